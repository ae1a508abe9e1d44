"""StorageClass parameters on how a file system is made."""

import pytest

from common import context_keys, errors, format_parameters
from common.format_parameters import FormatOptions
from node.formats import filesystem_argv
from node.records.requests import Filesystem


def test_parameters_become_options_of_mkfs() -> None:
    given = {"blockSize": "1024", "inodeSize": "512", "bytesPerInode": "8192", "reservedPercent": "5", "label": "data"}
    parsed = format_parameters.parse("ext4", given)
    assert parsed == FormatOptions(1024, 512, 8192, 5, "data")
    assert set(given) == context_keys.FORMAT_PARAMETERS
    argv = filesystem_argv.mkfs(Filesystem("ext4", options=parsed), "/dev/x", lazy=True)
    assert argv[-11:-1] == ("-m", "5", "-b", "1024", "-I", "512", "-i", "8192", "-L", "data")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("ext4", {"blockSize": "4095"}),
        ("ext4", {"blockSize": "65536"}),
        ("ext4", {"inodeSize": "100"}),
        ("ext4", {"blockSize": "1024", "inodeSize": "2048"}),
        ("ext4", {"bytesPerInode": "-1"}),
        ("ext4", {"bytesPerInode": "1024"}),
        ("ext4", {"bytesPerInode": "4096", "inodeSize": "4096"}),
        ("ext4", {"reservedPercent": "51"}),
        ("ext4", {"label": "-L"}),
        ("ext4", {"label": "a b"}),
        ("ext4", {"label": "x" * 17}),
        ("xfs", {"label": "x" * 13}),
        ("xfs", {"inodeSize": "2048", "blockSize": "1024"}),
        ("xfs", {"bytesPerInode": "8192"}),
        ("xfs", {"inodeSize": "256"}),
        ("btrfs", {"inodeSize": "512"}),
    ],
)
def test_a_value_that_mkfs_does_not_take_is_refused(kind: str, given: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidArgument):
        format_parameters.parse(kind, given)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        *(
            (kind, {"blockSize": "4095"}, r"not one of: 1024, 2048, 4096 \(")
            for kind in ("ext2", "ext3", "ext4", "xfs")
        ),
        ("btrfs", {"blockSize": "1024"}, r"not one of: 4096 \("),
        *((kind, {"inodeSize": "1"}, r"of: 128, 256, 512, 1024, 2048, 4096 \(") for kind in ("ext2", "ext3", "ext4")),
        ("xfs", {"inodeSize": "1"}, r"not one of: 512, 1024, 2048 \("),
        ("btrfs", {"inodeSize": "512"}, "not one of: nothing for this file system"),
        ("ext4", {"blockSize": "1024", "bytesPerInode": "1023"}, "not a number from 1024 to 67108864"),
        ("ext4", {"bytesPerInode": "67108865"}, "not a number from 1024 to 67108864"),
        ("ext4", {"reservedPercent": "51"}, "not a number from 0 to 50"),
        ("ext4", {"blockSize": "1024", "inodeSize": "2048"}, "do not fit the block size 1024"),
        ("xfs", {"blockSize": "1024", "inodeSize": "1024"}, "more than half of the block size 1024"),
        *((kind, {"label": "x" * 17}, "not 1 to 16 letters") for kind in ("ext2", "ext3", "ext4")),
        ("xfs", {"label": "x" * 13}, "not 1 to 12 letters"),
        ("btrfs", {"label": "x" * 256}, "not 1 to 255 letters"),
        *((kind, {"reservedPercent": "5"}, "is for ext2, ext3 and ext4") for kind in ("xfs", "btrfs")),
        *((kind, {"bytesPerInode": "8192"}, "is for ext2, ext3 and ext4") for kind in ("xfs", "btrfs")),
    ],
)
def test_a_refusal_tells_what_is_taken(kind: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=said):
        format_parameters.parse(kind, given)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("ext4", {"reservedPercent": "0"}),
        ("ext4", {"reservedPercent": "50"}),
        ("ext4", {"blockSize": "1024", "bytesPerInode": "1024"}),
        ("ext4", {"bytesPerInode": "4096"}),
        ("ext4", {"bytesPerInode": "67108864"}),
        ("ext4", {"blockSize": "1024", "inodeSize": "1024"}),
        ("xfs", {"blockSize": "1024", "inodeSize": "512"}),
        ("ext4", {"label": "x" * 16}),
        ("xfs", {"label": "x" * 12}),
    ],
)
def test_a_value_at_its_limit_is_taken(kind: str, given: dict[str, str]) -> None:
    format_parameters.parse(kind, given)


@pytest.mark.parametrize(
    ("kind", "block_bytes", "most_bytes"),
    [("ext2", 1024, 1 << 42), ("ext3", 2048, 1 << 43), ("ext3", 0, 1 << 44)],
)
def test_a_volume_with_more_blocks_than_an_ext3_can_count_is_refused(
    kind: str, block_bytes: int, most_bytes: int
) -> None:
    options = FormatOptions(block_bytes=block_bytes)
    format_parameters.check_size(kind, options, most_bytes - 1)
    format_parameters.check_size("ext4", options, most_bytes)
    with pytest.raises(errors.InvalidArgument, match="32 bits"):
        format_parameters.check_size(kind, options, most_bytes)
