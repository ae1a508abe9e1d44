"""What the kernel says of a device, from a tree that looks like /sys."""

from pathlib import Path

import pytest

from node.host.sysfs import Sysfs
from node.records.kernel import Facts, IoCounts, Mapper, Traffic

PAGE = b"\0\x83\0\x0c\x02\0\0\x08pvc-abcd"


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A SCSI disk with a partition, and a loop device."""
    root = tmp_path / "sys"
    disk = "devices/pci/block/sda"
    write(
        root,
        {
            f"{disk}/size": "2097152\n",
            f"{disk}/ro": "0\n",
            f"{disk}/dev": "8:0\n",
            f"{disk}/diskseq": "9\n",
            f"{disk}/stat": " 100 9 9 9 20 9 9 9 3 9 9 5 9 9 9 1 9\n",
            f"{disk}/holders/dm-0": "",
            f"{disk}/sda1/partition": "1\n",
            f"{disk}/sda1/size": "2048\n",
            "devices/pci/scsi/vendor": "DO      \n",
            "devices/pci/scsi/model": "Volume          \n",
            "devices/pci/scsi/state": "running\n",
            "devices/pci/scsi/vpd_pg83": PAGE,
            "devices/pci/scsi/ioerr_cnt": "0x1f\n",
            "devices/pci/scsi/rescan": "",
            "devices/virtual/block/loop0/size": "8\n",
            "devices/virtual/block/loop0/ro": "1\n",
            "devices/virtual/block/loop0/loop/backing_file": "/volumes/id.img\n",
            "devices/virtual/block/loop0/stat": "100 9 9 9 20 9 9 9 3 9 9\n",
            "devices/virtual/block/loop1/size": "0\n",
            "fs/ext4/sda/errors_count": "3\n",
            "fs/btrfs/uuid/devices/sda": "",
            "fs/btrfs/uuid/devinfo/1/error_stats": "write_errs 2\nread_errs 1\n",
        },
    )
    for link, target in {
        "dev/block/8:0": f"../../{disk}",
        "dev/block/8:1": f"../../{disk}/sda1",
        "dev/block/7:0": "../../devices/virtual/block/loop0",
        "dev/block/7:1": "../../devices/virtual/block/loop1",
        "class/block/sda": f"../../{disk}",
        f"{disk}/device": "../../scsi",
    }.items():
        (root / link).parent.mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(target)
    return root


def test_a_scsi_disk_is_described(tree: Path) -> None:
    facts = Facts(
        kernel_name="sda",
        number="8:0",
        size_bytes=1 << 30,
        vendor="DO",
        model="Volume",
        state="running",
        page83=PAGE,
        holders=("dm-0",),
        partitions=("sda1",),
        sequence="9",
        errors=31,
    )
    assert Sysfs(tree).facts("8:0") == facts
    assert list(Sysfs(tree).disks()) == [facts]


def test_a_loop_device_is_described_and_one_that_is_not_bound_is_not_there(tree: Path) -> None:
    assert Sysfs(tree).facts("7:0") == Facts("loop0", "7:0", 4096, read_only=True, backing_file="/volumes/id.img")
    assert Sysfs(tree).facts("7:1") is None
    assert Sysfs(tree).facts("9:9") is None


def test_a_partition_leads_to_its_disk(tree: Path) -> None:
    assert Sysfs(tree).parents("8:1") == {"8:1", "8:0"}


def test_a_rescan_is_asked_for(tree: Path) -> None:
    Sysfs(tree).rescan("sda")
    assert (tree / "class/block/sda/device/rescan").read_text() == "1"
    Sysfs(tree).rescan("loop0")


def test_errors_are_counted(tree: Path) -> None:
    assert Sysfs(tree).ext_errors("sda") == 3
    assert Sysfs(tree).btrfs_errors_of("sda") == 3
    assert Sysfs(tree).btrfs_devices("uuid") == ("sda",)


def test_commands_are_counted_also_by_a_kernel_that_knows_neither_discards_nor_flushes(tree: Path) -> None:
    assert Sysfs(tree).traffic("8:0") == Traffic(completed=126, outstanding=3)
    assert Sysfs(tree).traffic("7:0") == Traffic(completed=120, outstanding=3)
    assert Sysfs(tree).traffic("9:9") == Traffic()


def test_a_capability_is_read_from_the_process(tmp_path: Path) -> None:
    write(tmp_path, {"self/status": "Name:\tx\nCapEff:\t0000000001000000\n"})
    assert Sysfs(tmp_path, tmp_path).has_capability(24)
    assert not Sysfs(tmp_path, tmp_path).has_capability(21)


def stack(tree: Path, name: str = "aiocsi-id", uuid: str = "CRYPT-LUKS2-abc-aiocsi-id") -> None:
    """Put a mapper upon the disk."""
    folder = "devices/virtual/block/dm-0"
    write(
        tree,
        {
            f"{folder}/size": "4096\n",
            f"{folder}/ro": "1\n",
            f"{folder}/dev": "253:0\n",
            f"{folder}/dm/name": f"{name}\n",
            f"{folder}/dm/uuid": f"{uuid}\n",
            f"{folder}/slaves/.keep": "",
        },
    )
    (tree / folder / "slaves/.keep").unlink()
    for link, target in {
        f"{folder}/slaves/sda": "../../../../pci/block/sda",
        "dev/block/253:0": f"../../{folder}",
        "class/block/dm-0": f"../../{folder}",
    }.items():
        (tree / link).symlink_to(target)


def test_a_mapper_of_ours_has_the_identity_of_its_disk_and_a_size_of_its_own(tree: Path) -> None:
    stack(tree)
    facts = Sysfs(tree).facts("253:0")
    disk = Sysfs(tree).facts("8:0")
    assert facts is not None
    assert disk is not None
    assert (facts.kernel_name, facts.number, facts.size_bytes, facts.read_only) == ("dm-0", "253:0", 4096 * 512, True)
    assert (facts.page83, facts.state, facts.errors) == (disk.page83, disk.state, disk.errors)
    assert (facts.mapper, facts.disk, facts.holders, facts.partitions) == ("aiocsi-id", "8:0", (), ())
    assert (disk.mapper, disk.disk) == ("", "")


def test_a_mapper_whose_disk_is_gone_says_so_although_its_link_is_left(tree: Path) -> None:
    stack(tree)
    (tree / "devices/pci/block/sda/dev").unlink()
    facts = Sysfs(tree).facts("253:0")
    assert facts is not None
    assert (facts.mapper, facts.disk, facts.page83) == ("aiocsi-id", "", b"")


@pytest.mark.parametrize(
    ("name", "uuid"),
    [pytest.param("vg-data", "LVM-abc", id="LVM"), pytest.param("backup", "CRYPT-LUKS2-abc-backup", id="a person's")],
)
def test_what_somebody_else_stacks_upon_a_disk_is_not_the_volume(tree: Path, name: str, uuid: str) -> None:
    stack(tree, name, uuid)
    facts = Sysfs(tree).facts("253:0")
    assert facts is not None
    assert (facts.mapper, facts.page83) == ("", b"")


def test_a_mapper_is_found_by_its_name(tree: Path) -> None:
    stack(tree)
    found = Mapper("dm-0", "253:0", "aiocsi-id", "CRYPT-LUKS2-abc-aiocsi-id", 4096 * 512, "8:0")
    assert Sysfs(tree).mapper("aiocsi-id") == found
    assert Sysfs(tree).mapper("aiocsi-other") is None


def test_what_a_disk_has_done_is_read_from_its_counters(tree: Path) -> None:
    counters = "5 1 16 250 7 2 24 500 3 1500 900 1 0 8 9 2 9\n"
    (tree / "devices/pci/block/sda/stat").write_text(counters)
    assert Sysfs(tree).io("8:0") == IoCounts(
        sequence="9",
        reads=5,
        read_bytes=16 * 512,
        read_seconds=0.25,
        writes=7,
        written_bytes=24 * 512,
        write_seconds=0.5,
        in_flight=3,
        io_seconds=1.5,
        errors=0x1F,
    )
    assert Sysfs(tree).io("9:9") is None
