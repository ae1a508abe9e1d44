"""May it be formatted? Every kind of evidence, and every combination of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from node.records.kernel import Facts
from node.records.probes import Probe, ScanResult, Signature, Superblock
from node.records.requests import Filesystem, VolumeSpec
from node.records.state import Intent
from node.rules import formatting
from node.rules.formatting import Format, Keep

GIB = 1 << 30
SLACK = 16 << 20
BOOT = "boot-1"
VOLUME = VolumeSpec("id", "name")
EXT4 = Filesystem("ext4")
FACTS = Facts("sda", "8:0", 10 * GIB, sequence="7")
BLANK = Probe(FACTS, Signature(), scan=ScanResult(4096))
INTENT = Intent(volume_id="id", kind="ext4", size_bytes=10 * GIB, boot=BOOT, sequence="7")


def holding(kind: str, size_bytes: int = 10 * GIB, usage: str = "filesystem") -> Probe:
    return Probe(FACTS, Signature(kind, usage), Superblock(kind, size_bytes, "uuid"))


def decide(
    probe: Probe, volume: VolumeSpec = VOLUME, wanted: Filesystem = EXT4, intent: Intent | None = None
) -> formatting.Decision:
    return formatting.decide(volume, wanted, probe, intent, BOOT)


def refusal(probe: Probe, volume: VolumeSpec = VOLUME, intent: Intent | None = None) -> str:
    with pytest.raises(errors.FailedPrecondition) as caught:
        decide(probe, volume, intent=intent)
    return str(caught.value)


def test_a_blank_device_is_formatted() -> None:
    assert decide(BLANK) == Format(wipe=False)


def test_no_signature_alone_is_not_blank() -> None:
    assert decide(replace(BLANK, scan=None)) == formatting.ScanFirst()


@pytest.mark.parametrize(
    ("size_bytes", "grow"), [(10 * GIB, False), (10 * GIB - SLACK + 1, False), (10 * GIB - SLACK, True)]
)
def test_the_file_system_that_is_asked_for_is_used(size_bytes: int, *, grow: bool) -> None:
    assert decide(holding("ext4", size_bytes)) == Keep(grow=grow)


def test_another_file_system_is_refused_and_both_are_named() -> None:
    assert "holds xfs, but ext4 is asked for" in refusal(holding("xfs"))


@pytest.mark.parametrize("kind", ["ext2", "ext3"])
def test_an_older_ext_is_used_where_ext4_is_asked_for_as_the_kernel_mounts_it(kind: str) -> None:
    assert decide(holding(kind)) == Keep(grow=False)


@pytest.mark.parametrize(("kind", "wanted"), [("ext4", "ext3"), ("ext2", "ext3"), ("ext4", "ext2"), ("ext3", "xfs")])
def test_no_other_file_system_is_mounted_as_if_it_were_the_one_that_is_asked_for(kind: str, wanted: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match=f"holds {kind}, but {wanted} is asked for.*fsType: {kind}"):
        decide(holding(kind), wanted=Filesystem(wanted))


def test_no_remedy_asks_for_what_the_driver_does_not_mount() -> None:
    assert "does not mount ntfs" in refusal(holding("ntfs"))


def test_data_without_a_signature_is_refused_with_its_place() -> None:
    assert "at byte 4711" in refusal(replace(BLANK, scan=ScanResult(0, first_data=4711)))


@pytest.mark.parametrize("intent", [None, INTENT])
def test_a_superblock_that_blkid_does_not_see_is_no_reason_to_wipe_the_device(intent: Intent | None) -> None:
    """blkid ends with the same status for a device that it could not read as for a blank one."""
    said = refusal(replace(holding("ext4"), signature=Signature(), scan=ScanResult(0, first_data=1026)), intent=intent)
    assert "looks like ext4, and is damaged or cannot be read as a whole" in said
    assert "blkdiscard" not in said


def test_a_read_error_is_not_blank() -> None:
    assert "cannot be read at byte 512" in refusal(
        replace(BLANK, scan=ScanResult(0, failed_at=512, reason="I/O error"))
    )


def test_a_volume_that_must_not_be_formatted_is_refused_with_the_reason() -> None:
    assert "made from a snapshot" in refusal(BLANK, replace(VOLUME, never_format="made from a snapshot"))


def test_the_remains_of_our_own_mkfs_are_wiped_and_formatted() -> None:
    assert decide(replace(BLANK, scan=None), intent=INTENT) == Format(wipe=True)
    unfinished = Superblock("xfs", 10 * GIB, "uuid", unfinished=True)
    assert decide(replace(holding("xfs"), superblock=unfinished), intent=INTENT) == Format(wipe=True)


def test_a_whole_file_system_is_never_made_anew_whatever_was_begun() -> None:
    assert decide(holding("ext4"), intent=INTENT) == Keep(grow=False)


def test_a_begun_format_allows_nothing_once_the_device_was_away() -> None:
    data = replace(BLANK, scan=ScanResult(0, first_data=4711))
    for away in (replace(INTENT, sequence="8"), replace(INTENT, boot="boot-2"), replace(INTENT, sequence="")):
        assert "attached again since" in refusal(data, intent=away)
        assert decide(holding("ext4"), intent=away) == Keep(grow=False)


def test_a_begun_format_does_not_cover_what_somebody_else_has_put_there() -> None:
    assert "holds xfs" in refusal(holding("xfs"), intent=INTENT)
    assert "partition table" in refusal(Probe(FACTS, Signature(table="gpt")), intent=INTENT)


def test_an_ext_whose_journal_is_on_another_device_is_refused() -> None:
    block = Superblock("ext4", 10 * GIB, "uuid", external_journal=True)
    assert "on another device" in refusal(replace(holding("ext4"), superblock=block))


def test_a_device_without_a_size_is_not_blank() -> None:
    assert "has no size" in refusal(replace(BLANK, facts=replace(FACTS, size_bytes=0)))


def test_a_blank_device_that_is_read_only_is_not_formatted() -> None:
    assert "is read-only" in refusal(replace(BLANK, facts=replace(FACTS, read_only=True)))


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        pytest.param(Signature("LVM2_member", "raid"), "holds LVM2_member (raid)", id="another use of it"),
        pytest.param(Signature("swap"), "holds swap (no file system)", id="a mark of no use that is known"),
        pytest.param(Signature("ext4", "filesystem", ambivalent=True), "marks of more than one", id="two marks"),
        pytest.param(Signature("ext4", "filesystem", table="dos"), "a dos partition table", id="a partition table"),
        pytest.param(Signature("crypto_LUKS", "crypto"), "asks for no encryption", id="encrypted"),
    ],
)
def test_what_is_not_one_file_system_alone_is_refused_and_told(signature: Signature, said: str) -> None:
    assert said in refusal(Probe(FACTS, signature, Superblock("ext4", 10 * GIB, "uuid")))


@pytest.mark.parametrize(
    ("block", "said"),
    [
        pytest.param(None, "ext4 whose superblock is not at its place", id="no superblock"),
        pytest.param(
            Superblock("ext4", 10 * GIB + 1, "uuid"), "its device only 10737418240", id="longer than its disk"
        ),
        pytest.param(Superblock("ext4", 10 * GIB, "uuid", devices=2), "one of 2 devices", id="one of several disks"),
    ],
)
def test_a_file_system_that_is_not_whole_on_this_device_is_refused(block: Superblock | None, said: str) -> None:
    assert said in refusal(replace(holding("ext4"), superblock=block))


def test_a_begun_format_of_another_volume_is_no_part_of_the_refusal() -> None:
    data = replace(BLANK, scan=ScanResult(0, first_data=4711))
    assert "was begun here" not in refusal(data, intent=replace(INTENT, volume_id="other"))


signatures = st.builds(
    Signature,
    kind=st.sampled_from(["", "ext4", "xfs", "crypto_LUKS", "LVM2_member"]),
    usage=st.sampled_from(["", "filesystem", "crypto", "raid"]),
    table=st.sampled_from(["", "gpt", "dos"]),
    ambivalent=st.booleans(),
)
scans = st.none() | st.builds(
    ScanResult,
    read_bytes=st.just(1),
    first_data=st.none() | st.integers(0, GIB),
    failed_at=st.none() | st.integers(0, GIB),
)
blocks = st.none() | st.builds(
    Superblock,
    kind=st.just("ext4"),
    size_bytes=st.integers(0, 20 * GIB),
    uuid=st.just("u"),
    devices=st.integers(1, 2),
    unfinished=st.booleans(),
)
facts = st.builds(replace, st.just(FACTS), read_only=st.booleans(), size_bytes=st.sampled_from([0, GIB, 10 * GIB]))
probes = st.builds(Probe, facts, signatures, blocks, scans)
volumes = st.builds(
    VolumeSpec, id=st.just("id"), name=st.just("name"), never_format=st.sampled_from(["", "a snapshot"])
)
intents = st.none() | st.builds(
    Intent,
    volume_id=st.sampled_from(["id", "other"]),
    kind=st.sampled_from(["ext4", "xfs"]),
    size_bytes=st.sampled_from([GIB, 10 * GIB]),
    boot=st.sampled_from([BOOT, "boot-2"]),
    sequence=st.sampled_from(["", "7", "8"]),
)


@given(probe=probes, volume=volumes, intent=intents)
def test_nothing_is_formatted_but_a_blank_device_or_our_own_interrupted_mkfs(
    probe: Probe, volume: VolumeSpec, intent: Intent | None
) -> None:
    try:
        decision = decide(probe, volume, intent=intent)
    except errors.FailedPrecondition:
        return
    if not isinstance(decision, Format):
        return
    ours = intent is not None and (intent.volume_id, intent.boot, intent.sequence) == ("id", BOOT, "7")
    blank = probe.scan is not None and probe.scan.first_data is None and not probe.signature.kind
    half_made = probe.superblock is not None and probe.superblock.unfinished
    assert blank or (ours and (half_made or not probe.signature.kind))
    assert decision.wipe == (not blank or ours)
    assert not probe.signature.table
    assert not probe.signature.ambivalent
    assert not volume.never_format
    assert not probe.facts.read_only
    assert probe.scan is None or probe.scan.failed_at is None
    assert probe.facts.size_bytes > 0


def test_the_device_link_is_named_as_udev_makes_it() -> None:
    assert formatting.volume_link(VolumeSpec("id", "pvc-1")) == "/dev/disk/by-id/scsi-0DO_Volume_pvc-1"
