"""How many volumes a node has room for."""

from dataclasses import replace

import pytest

from node.records.kernel import Facts, Mount
from node.records.state import Staged
from node.rules import attach_limit

DISK = Facts("sda", "8:0", 1 << 30, vendor="DO", model="Volume", page83=b"", state="running")
MOUNT = Mount(1, 0, "8:0", "/", "/mnt/data", frozenset({"rw"}), True, "ext4", "/dev/sda", frozenset({"rw"}))  # shared
OURS = Staged("id", "name", "/x", "8:0", "ext4")
ENCRYPTED = Staged("id", "name", "/x", "253:0", "ext4", disk="8:0")


@pytest.mark.parametrize(
    ("disks", "mounts", "staged", "room"),
    [
        pytest.param((), (), (), 15, id="nothing attached"),
        pytest.param((DISK,), (), (), 15, id="attached, and about to be staged"),
        pytest.param((DISK,), (MOUNT,), (), 14, id="mounted by somebody else"),
        pytest.param((DISK,), (MOUNT,), (OURS,), 15, id="mounted by us"),
        pytest.param((DISK,), (replace(MOUNT, point="/var/lib/kubelet/x"),), (), 15, id="of a driver before us"),
        pytest.param((replace(DISK, holders=("dm-0",)),), (), (), 14, id="part of a stack"),
        pytest.param((replace(DISK, holders=("dm-0",)),), (), (ENCRYPTED,), 15, id="encrypted by us"),
        pytest.param((replace(DISK, partitions=("sda1",)),), (), (), 14, id="partitioned"),
        pytest.param((replace(DISK, vendor="QEMU"),), (MOUNT,), (), 15, id="no volume of the cloud"),
        pytest.param((replace(DISK, partitions=("x",)),) * 20, (), (), 1, id="full: 0 would mean no limit"),
    ],
)
def test_room(disks: tuple[Facts, ...], mounts: tuple[Mount, ...], staged: tuple[Staged, ...], room: int) -> None:
    assert attach_limit.room(15, disks, mounts, staged) == room
