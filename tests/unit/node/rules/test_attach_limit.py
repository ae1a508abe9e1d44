"""How many volumes a node has room for."""

from dataclasses import replace

import pytest

from node.records.kernel import Facts, Mount
from node.records.state import Staged
from node.rules import attach_limit
from node.rules.attach_limit import Attached, Mine

DISK = Facts("sda", "8:0", 1 << 30, vendor="DO", model="Volume", page83=b"", state="running")
MOUNT = Mount(1, 0, "8:0", "/", "/mnt/data", frozenset({"rw"}), True, "ext4", "/dev/sda", frozenset({"rw"}))  # shared
OURS = Staged("id", "name", "/x", "8:0", "ext4")
ENCRYPTED = Staged("id", "name", "/x", "253:0", "ext4", disk="8:0")


NAMED = replace(DISK, page83=bytes((0, 0x83, 0, 12, 2, 0, 0, 8)) + b"pvc-ours")
MINE = Mine("dobs.csi.example", "/var/lib/kubelet")
GLOBAL = "/var/lib/kubelet/plugins/kubernetes.io/csi/{}/0abc/globalmount"
NODE = replace(MOUNT, number="0:6", kind="devtmpfs", root="/sda", source="udev")


def at(point: str, mount: Mount = MOUNT) -> tuple[Mount, ...]:
    return (replace(mount, point=point),)


@pytest.mark.parametrize(
    ("disks", "mounts", "staged", "used"),
    [
        pytest.param((), (), (), (0, 0), id="nothing attached"),
        pytest.param((DISK,), (), (), (0, 1), id="attached, and used by nobody"),
        pytest.param((NAMED,), (), (), (0, 0), id="attached, and asked for by a call"),
        pytest.param((DISK,), at("/mnt/data"), (), (1, 0), id="mounted by somebody else"),
        pytest.param((DISK,), at("/mnt/data"), (OURS,), (0, 0), id="mounted by us"),
        pytest.param((DISK,), at(GLOBAL.format("dobs.csi.example")), (), (0, 0), id="of a driver before us"),
        pytest.param((DISK,), at(GLOBAL.format("other.csi.example")), (), (1, 0), id="of another driver"),
        pytest.param((DISK,), at(GLOBAL.format("pv")), (), (0, 0), id="of an old kubelet, whose driver is not named"),
        pytest.param((DISK,), at(GLOBAL.format("volumeDevices")), (), (0, 0), id="a raw block device"),
        pytest.param((DISK,), at("/srv/kubelet/x"), (), (1, 0), id="below a folder that is called like kubelet's"),
        pytest.param((DISK,), at("/dev/node", NODE), (), (1, 0), id="its node handed out by somebody else"),
        pytest.param((replace(DISK, holders=("dm-0",)),), (), (), (1, 0), id="part of a stack"),
        pytest.param((replace(DISK, holders=("dm-0",)),), (), (ENCRYPTED,), (0, 0), id="encrypted by us"),
        pytest.param((replace(DISK, partitions=("sda1",)),), (), (), (0, 1), id="partitioned, and used by nobody"),
        pytest.param(
            (replace(DISK, partitions=("sda1",)),),
            at("/mnt", replace(MOUNT, number="8:1", source="/dev/sda1")),
            (),
            (1, 0),
            id="a partition of it mounted",
        ),
        pytest.param((replace(DISK, vendor="QEMU"),), at("/mnt/data"), (), (0, 0), id="no volume of the cloud"),
    ],
)
def test_who_uses_what_is_attached(
    disks: tuple[Facts, ...], mounts: tuple[Mount, ...], staged: tuple[Staged, ...], used: tuple[int, int]
) -> None:
    theirs, idle = attach_limit.sort(Attached(disks, mounts, staged, frozenset({"pvc-ours"})), MINE)
    assert (len(theirs), len(idle)) == used


@pytest.mark.parametrize(
    ("share", "used", "room"), [(0, 0, 15), (8, 0, 7), (8, 8, 7), (8, 9, 6), (0, 20, 1), (15, 0, 1)]
)
def test_room_is_what_the_share_of_others_or_more_leaves_and_never_the_zero_that_means_no_limit(
    share: int, used: int, room: int
) -> None:
    assert attach_limit.room(15, share, used) == room


@pytest.mark.parametrize(
    ("told", "most"), [("7", 7), ("256", 256), ("257", 15), ("0", 15), ("", 15), ("x", 15), ("\uff17", 15), ("07", 15)]
)
def test_the_annotation_of_a_node_replaces_its_limit_if_it_is_a_number_of_volumes(told: str, most: int) -> None:
    assert attach_limit.most(told, 15) == most


def test_another_attachment_of_a_disk_has_another_key() -> None:
    again = [DISK, replace(DISK, sequence="8"), replace(DISK, number="8:16"), replace(DISK, page83=b"x")]
    assert len({attach_limit.key(disk) for disk in again}) == 4
    assert attach_limit.key(DISK) == attach_limit.key(replace(DISK, errors=1, holders=("dm-0",)))
