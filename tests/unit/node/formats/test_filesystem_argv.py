"""The arguments of the programs that make, check and grow file systems."""

import pytest

from common.format_parameters import FormatOptions
from node.formats import filesystem_argv
from node.records.requests import Filesystem


@pytest.mark.parametrize(
    ("wanted", "argv"),
    [
        pytest.param(Filesystem("xfs"), "mkfs.xfs -f -q -K /dev/x", id="xfs"),
        pytest.param(
            Filesystem("xfs", options=FormatOptions(4096, 1024, label="data")),
            "mkfs.xfs -f -q -K -b size=4096 -i size=1024 -L data /dev/x",
            id="xfs with options",
        ),
        pytest.param(
            Filesystem("btrfs", options=FormatOptions(4096, label="data")),
            "mkfs.btrfs -f -q -K -s 4096 -L data /dev/x",
            id="btrfs",
        ),
        pytest.param(
            Filesystem("ext2"),
            "mkfs.ext2 -F -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 -m 0 /dev/x",
            id="ext2",
        ),
        pytest.param(
            Filesystem("ext4", options=FormatOptions(4096, 512, bytes_per_inode=8192, label="data")),
            "mkfs.ext4 -F -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 -m 0 -b 4096 -I 512 -i 8192 -L data"
            " /dev/x",
            id="ext4 with options",
        ),
    ],
)
def test_a_file_system_is_made_without_a_discard(wanted: Filesystem, argv: str) -> None:
    assert " ".join(filesystem_argv.mkfs(wanted, "/dev/x", lazy=False)) == argv


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_an_ext_is_checked_before_it_is_mounted_or_grown(kind: str) -> None:
    assert filesystem_argv.check(kind, "/dev/x") == ("e2fsck", "-p", "/dev/x")
    assert filesystem_argv.check_all("/dev/x") == ("e2fsck", "-f", "-p", "/dev/x")
    assert filesystem_argv.grow_unmounted("/dev/x", "/u") == ("resize2fs", "-z", "/u", "/dev/x")
    assert filesystem_argv.grow_unmounted("/dev/x", "") == ("resize2fs", "/dev/x")
    assert filesystem_argv.grow_mounted(kind, "/dev/x", "/m") == ("resize2fs", "/dev/x")


def test_the_others_replay_their_log_when_they_are_mounted_and_grow_by_their_path() -> None:
    assert filesystem_argv.check("xfs", "/dev/x") == filesystem_argv.check("btrfs", "/dev/x") == ()
    assert filesystem_argv.grow_mounted("xfs", "/dev/x", "/m") == ("xfs_growfs", "-d", "/m")
    assert filesystem_argv.grow_mounted("btrfs", "/dev/x", "/m") == ("btrfs", "filesystem", "resize", "max", "/m")


@pytest.mark.parametrize(
    ("status", "output", "torn"),
    [
        pytest.param(4, "/dev/x: Inode 7 has illegal block(s).  \n\n/dev/x: UNEXPECTED INCONSISTENCY", True, id="torn"),
        pytest.param(
            5, "/dev/x: fixed\n/dev/x: Inode 7 has illegal block(s).  ", True, id="torn, and more was repaired"
        ),
        pytest.param(4, "/dev/x: Inode 17 has illegal block(s).  ", False, id="a file"),
        pytest.param(12, "/dev/x: Inode 7 has illegal block(s).  ", False, id="not judged"),
        pytest.param(1, "/dev/x: Inode 7 has illegal block(s).  CLEARED.", False, id="repaired"),
    ],
)
def test_only_the_resize_inode_which_holds_no_data_is_cleared_after_a_torn_growth(
    status: int, output: str, *, torn: bool
) -> None:
    assert filesystem_argv.is_torn_growth(status, output) == torn
    assert filesystem_argv.clear_resize_inode("/dev/x") == ("debugfs", "-n", "-w", "-R", "clri <7>", "/dev/x")
