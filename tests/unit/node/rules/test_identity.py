"""Is it the volume? By VPD page 0x83, by a loop device's file, and by nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.clouds import DISKS
from common.clouds.facts import DiskIdentity
from common.encryption import Encryption
from node.records.kernel import Facts, Mount
from node.records.requests import VolumeSpec
from node.rules import identity

NAME = "pvc-9f1c2b1e-0000-4c5d-8e6f-0123456789ab"  # 40 characters: page 0x80 cuts it at 36
VOLUME = VolumeSpec("0f3c7f2e-1111-4222-8333-444455556666", NAME, min_bytes=10)
ENCRYPTION = Encryption("aes-xts-plain64", 512, "argon2id", 65536, 4, 4096, discards=False)


def page(*designators: bytes) -> bytes:
    body = b"".join(designators)
    return b"\0\x83" + len(body).to_bytes(2, "big") + body


def designator(text: str, code_set: int = 2, association: int = 0, kind: int = 0) -> bytes:
    return bytes([code_set, association << 4 | kind, 0, len(text)]) + text.encode()


def scsi(page83: bytes, vendor: str = "DO", model: str = "Volume", state: str = "running") -> Facts:
    return Facts("sda", "8:0", 100, vendor=vendor, model=model, state=state, page83=page83)


def loop(backing_file: str) -> Facts:
    return Facts("loop0", "7:0", 100, backing_file=backing_file)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(scsi(page(designator(NAME))), id="page 0x83"),
        pytest.param(scsi(page(designator("naa", 1, 0, 3), designator(NAME))), id="second designator"),
        pytest.param(loop(f"/state/volumes/{VOLUME.id}.img"), id="file named after the id"),
        pytest.param(loop(f"/state/volumes/{NAME}"), id="file named after the name"),
    ],
)
def test_the_volume_is_known_by(facts: Facts) -> None:
    identity.prove(VOLUME, facts, frozenset())


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(scsi(page(designator(NAME[:36]))), id="a name that is cut"),
        pytest.param(scsi(page(designator(NAME + "x"))), id="a longer name"),
        pytest.param(scsi(page(designator("pvc-other"))), id="another volume"),
        pytest.param(scsi(page(designator(NAME, 1))), id="binary code set"),
        pytest.param(scsi(page(designator(NAME, 2, 1))), id="of the target port"),
        pytest.param(scsi(page(designator(NAME, 2, 0, 1))), id="another type"),
        pytest.param(scsi(page(designator(NAME))[:-4]), id="a page that is cut"),
        pytest.param(scsi(b""), id="no page"),
        pytest.param(scsi(page(designator(NAME)), vendor="QEMU"), id="another vendor"),
        pytest.param(scsi(page(designator(NAME)), model="Disk"), id="another model"),
        pytest.param(replace(loop(f"/{VOLUME.id}.img"), vendor="0x1af4"), id="another kind of disk"),
        pytest.param(loop(f"/state/volumes/{VOLUME.id}.img (deleted)"), id="a deleted file"),
        pytest.param(loop("/state/volumes/other.img"), id="another file"),
        pytest.param(loop(f"/state/{VOLUME.id}/other.img"), id="a file in a folder of that name"),
        pytest.param(Facts("vda", "254:0", 100), id="no identity at all"),
    ],
)
def test_it_is_not_the_volume_by(facts: Facts) -> None:
    with pytest.raises(errors.FailedPrecondition, match="is not volume"):
        identity.prove(VOLUME, facts, frozenset())


def test_the_volumes_own_mapper_may_be_stacked_upon_it_and_nothing_else() -> None:
    stacked = replace(scsi(page(designator(NAME))), holders=("dm-0",))
    identity.prove(VOLUME, stacked, frozenset(), own="dm-0")
    with pytest.raises(errors.FailedPrecondition, match="in use by md0"):
        identity.prove(VOLUME, replace(stacked, holders=("dm-0", "md0")), frozenset(), own="dm-0")


def test_a_mapper_without_its_disk_is_stale() -> None:
    mapper = replace(scsi(page(designator(NAME))), mapper="aiocsi-id", disk="8:0")
    assert not identity.is_stale(VOLUME, mapper, was_ours=True)
    assert identity.is_stale(VOLUME, replace(mapper, disk=""), was_ours=False)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        *(
            pytest.param(scsi(page(designator(NAME)), state=state), f"is in state {state} ", id=state)
            for state in ("offline", "transport-offline", "cancel", "deleted")
        ),
        pytest.param(replace(scsi(page(designator(NAME))), holders=("dm-0",)), "dm-0", id="device-mapper"),
        pytest.param(replace(scsi(page(designator(NAME))), partitions=("sda1",)), "sda1", id="partitions"),
    ],
)
def test_the_volume_is_not_usable_when(facts: Facts, why: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match=why):
        identity.prove(VOLUME, facts, frozenset())


@pytest.mark.parametrize("state", ["blocked", "quiesce", "created", "created-blocked"])
def test_a_state_that_passes_is_not_final(state: str) -> None:
    with pytest.raises(errors.Unavailable, match=f"state {state}"):
        identity.prove(VOLUME, scsi(page(designator(NAME)), state=state), frozenset())


def test_what_is_made_of_a_raw_block_volume_is_no_reason_to_refuse_it() -> None:
    used = replace(scsi(page(designator(NAME))), partitions=("sda1", "sda2"), holders=("dm-0",))
    identity.prove(replace(VOLUME, raw=True), used, frozenset())
    for volume in (VOLUME, replace(VOLUME, raw=True, encryption=ENCRYPTION)):
        with pytest.raises(errors.FailedPrecondition, match="in use by dm-0, sda1, sda2"):
            identity.prove(volume, used, frozenset())


def test_a_disk_of_the_host_itself_is_refused() -> None:
    with pytest.raises(errors.FailedPrecondition, match="holds files of this host"):
        identity.prove(VOLUME, scsi(page(designator(NAME))), frozenset({"8:0"}))


def test_a_smaller_device_is_refused_and_an_empty_one_whatever_the_volume_s_size() -> None:
    with pytest.raises(errors.FailedPrecondition, match="less than"):
        identity.check_size(replace(VOLUME, min_bytes=101), scsi(b""))
    identity.check_size(replace(VOLUME, min_bytes=0), replace(scsi(b""), size_bytes=1))
    with pytest.raises(errors.FailedPrecondition, match="has 0 bytes"):
        identity.check_size(replace(VOLUME, min_bytes=0), replace(scsi(b""), size_bytes=0))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_a_page_without_an_error(page83: bytes) -> None:
    assert isinstance(identity.names(page83), tuple)


def test_a_name_that_is_no_ascii_is_shown_and_no_error() -> None:
    assert identity.names(page(designator("vol\0ume ")[:-1] + b"\xff")) == ("vol\0ume\ufffd",)


def test_a_page_of_more_than_255_bytes_is_read_to_its_end() -> None:
    texts = ("a" * 200, "b" * 200, "")
    assert identity.names(page(*map(designator, texts))) == texts


@given(st.lists(st.text("abcxyz-0123456789", min_size=1, max_size=64), max_size=4))
def test_every_designator_of_a_page_is_found(texts: list[str]) -> None:
    assert identity.names(page(*map(designator, texts))) == tuple(texts)


@pytest.mark.parametrize("more", range(4))
def test_what_lies_behind_the_length_of_a_page_is_not_read(more: int) -> None:
    first, both = designator("a"), bytearray(page(designator("a"), designator("b")))
    both[2:4] = (len(first) + more).to_bytes(2, "big")
    assert identity.names(bytes(both)) == ("a",)


@pytest.mark.parametrize(
    ("facts", "was_ours", "stale"),
    [
        pytest.param(None, True, True, id="gone"),
        pytest.param(scsi(page(designator(NAME))), True, False, id="there"),
        pytest.param(scsi(page(designator("other"))), True, True, id="another disk by now"),
        pytest.param(scsi(page(designator("other"))), False, False, id="another volume's mount"),
        pytest.param(scsi(page(designator(NAME)), state="offline"), True, True, id="dead"),
    ],
)
def test_a_mount_is_stale_when_its_device_is(facts: Facts | None, *, was_ours: bool, stale: bool) -> None:
    assert identity.is_stale(VOLUME, facts, was_ours=was_ours) == stale


BY_ID = DiskIdentity("ACME", "Block", "scsi-0ACME_Block_", by_id=True)


@pytest.mark.parametrize(
    ("vendor", "told", "proven"),
    [
        pytest.param("ACME", VOLUME.id, True, id="its id, as this cloud writes it"),
        pytest.param("ACME", VOLUME.name, False, id="its name, which another cloud writes"),
        pytest.param("DO", VOLUME.id, False, id="its id on the disk of another cloud"),
        pytest.param("ACME", "other", False, id="another volume"),
    ],
)
def test_a_disk_of_another_cloud_proves_the_volume_by_what_that_cloud_writes(
    vendor: str, told: str, *, proven: bool
) -> None:
    facts = replace(scsi(page(designator(told))), vendor=vendor, model="Block" if vendor == "ACME" else "Volume")
    assert identity.carries(VOLUME.id, VOLUME.name, facts, [BY_ID, *DISKS]) is proven
    if vendor == "ACME":
        assert not identity.carries(VOLUME.id, VOLUME.name, facts)  # a cloud that is not in the table proves nothing


def test_a_disk_that_carries_nothing_is_no_volume_without_a_name() -> None:
    assert not identity.carries("5", "", scsi(page(designator(""))))


def mounted(point: str, number: str = "8:0", source: str = "/dev/sda") -> Mount:
    options = frozenset({"rw"})
    return Mount(1, 0, number, "/", point, options, shared=True, kind="ext4", source=source, super_options=options)


def test_a_device_that_is_mounted_for_another_volume_is_refused() -> None:
    facts, others = scsi(page(designator(NAME))), frozenset({"/others"})
    with pytest.raises(errors.FailedPrecondition, match="mounted for another volume at /others"):
        identity.check_mounts(VOLUME, facts, (mounted("/own"), mounted("/others")), others)
    identity.check_mounts(VOLUME, facts, (mounted("/own"), mounted("/others", "8:16")), others)


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        pytest.param("/dev/sda", scsi(page(designator("any"))), id="a disk of the cloud"),
        pytest.param("/dev/loop0", loop(f"/volumes/{VOLUME.id}.img"), id="the volume's own file"),
        pytest.param("/dev/sda", None, id="what is left of a disk that is gone"),
    ],
)
def test_a_mount_that_is_in_no_record_may_be_the_volumes(source: str, facts: Facts | None) -> None:
    identity.check_unrecorded(VOLUME.id, mounted("/m", source=source), facts)


@pytest.mark.parametrize(
    ("source", "facts", "what"),
    [
        pytest.param("/dev/vda", scsi(b"", vendor="QEMU"), "QEMU Volume", id="another kind of disk"),
        pytest.param("/dev/loop0", loop("/other.img"), "/other.img", id="another file"),
        pytest.param("tmpfs", None, "ext4 of tmpfs", id="no device at all"),
    ],
)
def test_a_mount_that_is_nobodys_volume_is_left_alone(source: str, facts: Facts | None, what: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match=rf"not a volume of this driver.*{what}"):
        identity.check_unrecorded(VOLUME.id, mounted("/m", source=source), facts)


def test_a_file_system_of_a_program_is_no_remains_of_a_volume() -> None:
    fuse = replace(mounted("/m", source="/dev/fuse"), kind="fuse.sshfs")
    with pytest.raises(errors.FailedPrecondition, match=r"not a volume of this driver \(fuse.sshfs of /dev/fuse\)"):
        identity.check_unrecorded(VOLUME.id, fuse, None)


@pytest.mark.parametrize(
    ("root", "facts"),
    [
        pytest.param("/sda", None, id="no disk has its number"),
        pytest.param("/sda//deleted", scsi(b"", vendor="QEMU"), id="another disk has its number"),
    ],
)
def test_a_device_node_whose_disk_is_gone_may_be_the_volumes(root: str, facts: Facts | None) -> None:
    node = replace(mounted("/m", source="udev"), kind="devtmpfs", root=root)
    identity.check_unrecorded(VOLUME.id, node, facts, node=True)


def test_a_device_node_of_another_disk_is_left_alone() -> None:
    node = replace(mounted("/m", source="udev"), kind="devtmpfs", root="/sda")
    with pytest.raises(errors.FailedPrecondition, match="not a volume of this driver"):
        identity.check_unrecorded(VOLUME.id, node, scsi(b"", vendor="QEMU"), node=True)


def test_the_device_under_a_mount_is_proven_by_the_name_that_was_recorded() -> None:
    identity.prove_again(VOLUME.id, NAME, scsi(page(designator(NAME))))
    with pytest.raises(errors.FailedPrecondition, match=r"is not volume .*: it is DO Volume other"):
        identity.prove_again(VOLUME.id, NAME, scsi(page(designator("other"))))


def test_the_device_under_a_mount_of_no_recorded_name_is_at_least_one_of_the_cloud() -> None:
    identity.prove_again(VOLUME.id, "", scsi(page(designator("any"))))
    identity.prove_again(VOLUME.id, "", loop(f"/volumes/{VOLUME.id}.img"))
    for facts in (scsi(b"", vendor="QEMU"), loop("/volumes/other.img"), Facts("vda", "254:0", 100)):
        with pytest.raises(errors.FailedPrecondition, match="not a volume of this cloud"):
            identity.prove_again(VOLUME.id, "", facts)


def test_a_disk_is_described_by_whichever_of_vendor_and_model_it_tells() -> None:
    facts = Facts("vda", "254:0", 100, vendor="0x1af4", backing_file="/x")
    assert identity.describe(facts) == "0x1af4  without a name"
    assert identity.describe(replace(facts, vendor="", model="Disk")) == "Disk without a name"


def test_a_device_of_a_deleted_file_is_a_ghost() -> None:
    assert identity.is_ghost(loop(f"/volumes/{VOLUME.id}.img (deleted)"))
    assert not identity.is_ghost(loop(f"/volumes/{VOLUME.id}.img"))
