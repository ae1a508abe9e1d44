"""What a class may ask for, and what becomes of it."""

import pytest

from common import capability, errors
from common.capability import AccessType, Capability, Use
from common.format_parameters import FormatOptions

WRITER, MOUNT, BLOCK = "SINGLE_NODE_WRITER", AccessType.MOUNT, AccessType.BLOCK
KINDS = ("ext2", "ext3", "ext4", "xfs", "btrfs")


@pytest.mark.parametrize(
    ("asked", "use"),
    [
        pytest.param(Capability(WRITER, MOUNT), Use("ext4"), id="the usual file system"),
        pytest.param(Capability(WRITER, MOUNT, "XFS"), Use("xfs"), id="in capitals"),
        *(pytest.param(Capability(WRITER, MOUNT, kind), Use(kind), id=kind) for kind in KINDS),
        pytest.param(Capability(WRITER, MOUNT, "ext4", ("ro",)), Use("ext4", ("ro",), read_only=True), id="ro"),
        pytest.param(Capability(WRITER, BLOCK), Use(), id="raw block"),
        pytest.param(Capability("SINGLE_NODE_MULTI_WRITER", BLOCK), Use(), id="many pods"),
        pytest.param(Capability("SINGLE_NODE_SINGLE_WRITER", BLOCK), Use(alone=True), id="one pod"),
        pytest.param(Capability("SINGLE_NODE_READER_ONLY", BLOCK), Use(read_only=True), id="a reader"),
        pytest.param(Capability("SINGLE_NODE_READER_ONLY", MOUNT), Use("ext4", read_only=True), id="a reader of files"),
        pytest.param(
            Capability("SINGLE_NODE_READER_ONLY", MOUNT, "ext4", ("noload",)),
            Use("ext4", ("noload",), read_only=True),
            id="a reader who leaves the journal as it is",
        ),
    ],
)
def test_what_is_asked_for_becomes_a_use(asked: Capability, use: Use) -> None:
    assert capability.parse(asked, {}) == use


def test_parameters_say_how_a_file_system_is_made() -> None:
    parameters = {"blockSize": "1024", "label": "data", "unknown": "x"}
    assert capability.parse(Capability(WRITER, MOUNT), parameters).format == FormatOptions(
        block_bytes=1024, label="data"
    )


def test_parameters_of_a_file_system_are_not_read_for_a_raw_block_device() -> None:
    assert capability.parse(Capability(WRITER, BLOCK), {"blockSize": "999"}) == Use()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param(Capability("MULTI_NODE_MULTI_WRITER", MOUNT), "one node at a time", id="many nodes"),
        pytest.param(Capability("UNKNOWN", MOUNT), "UNKNOWN", id="unknown mode"),
        pytest.param(Capability("", MOUNT), "has no access mode", id="no mode"),
        pytest.param(Capability("number 99", BLOCK), "number 99", id="mode of the future"),
        pytest.param(Capability(WRITER, None), "neither", id="no access type"),
        pytest.param(Capability(WRITER, MOUNT, "ntfs"), "'ntfs'", id="unknown file system"),
        pytest.param(Capability(WRITER, MOUNT, " ext4"), "' ext4'", id="a blank"),
        pytest.param(Capability(WRITER, MOUNT, "ext4", ("loop",)), "'loop'", id="a flag that is not allowed"),
        pytest.param(Capability(WRITER, MOUNT, "ext4", ("a\nb",)), "not allowed", id="newline"),
        pytest.param(Capability(WRITER, MOUNT, mount_group="1000"), "volume_mount_group", id="a mount group"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(asked: Capability, words: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=words):
        capability.parse(asked, {})


@pytest.mark.parametrize("access", list(AccessType))
def test_encryption_is_for_file_systems_and_raw_block_devices(access: AccessType) -> None:
    assert capability.parse(Capability(WRITER, access), {"encryption": "luks2"}).encryption is not None
    with pytest.raises(errors.InvalidArgument, match="luks2"):
        capability.parse(Capability(WRITER, access), {"encryption": "rot13"})
