"""Loop devices by the kernel's own calls, beside others that do the same."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcloud.disks import files, loopdevices
from tools.processes.run import run

MANY = 24
MIB = 1 << 20


def test_many_at_once_get_a_device_each_while_losetup_takes_some_too(tmp_path: Path) -> None:
    ours = [tmp_path / f"{number}.img" for number in range(MANY)]
    theirs = [tmp_path / "other" / f"{number}.img" for number in range(8)]
    theirs[0].parent.mkdir()
    for file in (*ours, *theirs):
        files.make_empty(file, 1 << 20)
    with ThreadPoolExecutor(16) as pool:
        others = [pool.submit(run, "losetup", "--find", "--show", str(file)) for file in theirs]
        bound = list(pool.map(loopdevices.bind, ours))
        taken = [int(each.result().removeprefix("/dev/loop")) for each in others]
    try:
        assert len(set(bound) | set(taken)) == MANY + len(theirs)
        assert loopdevices.bound_below(tmp_path) == dict(zip(bound, map(str, ours), strict=True))
    finally:
        all_of_them = zip((*bound, *taken), map(str, (*ours, *theirs)), strict=True)
        gone = [loopdevices.unbind(number, file) for number, file in all_of_them]
    assert all(gone)


def test_a_device_that_is_let_go_twice_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "a.img"
    files.make_empty(file, 1 << 20)
    number = loopdevices.bind(file)
    assert [loopdevices.unbind(number, str(file)) for _ in range(2)] == [True, True]


def test_a_device_whose_number_has_been_given_to_another_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.img"
    files.make_empty(file, 1 << 20)
    number = loopdevices.bind(file)
    try:
        assert loopdevices.unbind(number, str(tmp_path / "b.img"))
        assert loopdevices.bound_below(tmp_path) == {number: str(file)}
    finally:
        loopdevices.unbind(number, str(file))


def test_a_node_that_is_right_is_left_alone_and_a_wrong_one_replaced(tmp_path: Path) -> None:
    node = tmp_path / "disk"
    loopdevices.make_node(node, loopdevices.device_number(3))
    before = node.stat().st_ino
    loopdevices.make_node(node, loopdevices.device_number(3))
    assert node.stat().st_ino == before
    loopdevices.make_node(node, loopdevices.device_number(4))
    assert node.stat().st_rdev == loopdevices.device_number(4)


def test_reading_here_and_there_brings_no_more_of_the_file_into_memory_than_was_read(tmp_path: Path) -> None:
    file = tmp_path / "a.img"
    files.make_empty(file, 512 * MIB)
    number = loopdevices.bind(file)
    try:
        device = os.open(f"/dev/loop{number}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.posix_fadvise(device, 0, MIB, os.POSIX_FADV_WILLNEED)  # the start in one go, as one who reads it all
            os.pread(device, MIB, 0)
            for offset in range(MIB, 512 * MIB, MIB):
                os.posix_fadvise(device, offset, 4096, os.POSIX_FADV_WILLNEED)
                os.pread(device, 4096, offset)
        finally:
            os.close(device)
        assert int(run("fincore", "--bytes", "--noheadings", "--output", "RES", str(file))) < 64 * MIB
    finally:
        assert loopdevices.unbind(number, str(file))
