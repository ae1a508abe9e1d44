"""Which disks hold the files of the host, by what is mounted from them."""

from pathlib import Path

import pytest

from node.formats.mountinfo import MountTable
from node.host import host_disks
from node.host.sysfs import Sysfs

ROOT = "1 0 {} / / rw - {} {} rw{}\n"
EXT4 = "2 1 8:1 / /disk rw - ext4 /dev/sda1 rw\n"


@pytest.mark.parametrize(
    ("table", "numbers"),
    [
        pytest.param(ROOT.format("8:1", "ext4", "/dev/root", ""), {"8:1", "8:0"}, id="a partition"),
        pytest.param(ROOT.format("0:25", "btrfs", "/dev/sda", ""), {"8:0", "8:16", "7:0"}, id="btrfs on three disks"),
        pytest.param(ROOT.format("0:25", "bcachefs", "/dev/sda1:/dev/sdb", ""), {"8:1", "8:0", "8:16"}, id="bcachefs"),
        pytest.param(
            ROOT.format("0:25", "overlay", "overlay", ",lowerdir=/x:/disk/low,upperdir=/disk/up") + EXT4,
            {"8:1", "8:0"},
            id="overlay of directories that are to be seen",
        ),
        pytest.param(ROOT.format("0:25", "overlay", "o", ",lowerdir=/low,upperdir=/up"), set(), id="a container's"),
        pytest.param(ROOT.format("8:16", "xfs", "/dev/sdb", ",logdev=/dev/sda1"), {"8:16", "8:1", "8:0"}, id="xfs log"),
        pytest.param(
            ROOT.format("7:0", "squashfs", "/dev/loop0", "") + EXT4.replace("/disk", "/volumes"),
            {"7:0", "8:1", "8:0"},
            id="a file on a disk",
        ),
        pytest.param(ROOT.format("0:25", "zfs", "rpool/root", ""), set(), id="zfs, whose disks nobody tells"),
    ],
)
def test_the_disks_of_the_host_are_those_that_its_mounts_name(tmp_path: Path, table: str, numbers: set[str]) -> None:
    for name, number in {"sda": "8:0", "sda/sda1": "8:1", "sdb": "8:16", "loop0": "7:0"}.items():
        device = tmp_path / "devices" / name
        device.mkdir(parents=True)
        (device / "dev").write_text(f"{number}\n")
        for link in (
            f"class/block/{device.name}",
            f"dev/block/{number}",
            f"fs/btrfs/{device.parent.name}/devices/{device.name}",
        ):
            (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / link).symlink_to(device)
    (tmp_path / "devices/sda/sda1/partition").write_text("1\n")
    (tmp_path / "devices/loop0/loop").mkdir()
    (tmp_path / "devices/loop0/loop/backing_file").write_text("/volumes/root.img\n")
    cover = MountTable(table.encode()).covering
    assert host_disks.disks("/", cover, Sysfs(tmp_path)) == numbers
