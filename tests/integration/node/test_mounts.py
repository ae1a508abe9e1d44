"""Mounts as the kernel tells of them one by one, and in mountinfo: with options, over each other, with odd names."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from node.host import mounts, paths
from node.host.command import Commands, Ended
from node.host.threads import Threads
from tools.processes.run import run

WITHOUT_PROC = (
    *("unshare", "--mount", "--propagation", "unchanged", "sh", "-c"),
    'mount --make-rprivate /proc && mount -t tmpfs none /proc && exec "$@"',
    "sh",
)


class Blind(Commands):
    """Its programs see no table of mounts."""

    async def run(
        self, *argv: str, seconds: float, files: Sequence[int] = (), stdin: bytes = b"", writes: bool = False
    ) -> Ended:
        return await super().run(*WITHOUT_PROC, *argv, seconds=seconds, files=files, stdin=stdin, writes=writes)


OPTIONS = ("ro,noatime,nosuid", "nodev,noexec,sync", "strictatime,dirsync,lazytime", "nodiratime,relatime")


@pytest.fixture
def place(disk_folder: Path) -> Iterator[str]:
    """A folder to mount at."""
    folder = disk_folder / "a b\tc\\d,e"
    folder.mkdir()
    yield str(folder)
    while mounts.read_table().at(str(folder)):
        run("umount", str(folder))
    folder.rmdir()


def test_mounts_at_one_path_are_told_alike_with_all_their_options(place: str) -> None:
    for number, options in enumerate(OPTIONS):
        run("mount", "-t", "tmpfs", "-o", options, f"source {number}", place)
    found = mounts.mounts_at(place)
    assert found == mounts.read_table().at(place)
    assert [mount.source for mount in found] == [f"source {number}" for number in range(len(OPTIONS))]
    with paths.pinned(place) as descriptor:
        assert mounts.mount_of(descriptor) == found[-1]
    run("umount", place)
    assert mounts.mounts_at(place) == found[:-1]


def test_a_bind_of_a_folder_and_of_a_file_is_told_with_its_root(place: str, disk_folder: Path) -> None:
    inner = disk_folder / "inner"
    inner.mkdir(exist_ok=True)
    run("mount", "--bind", str(inner), place)
    assert mounts.mounts_at(place) == mounts.read_table().at(place)
    run("umount", place)
    assert mounts.mounts_at(place) == ()


@pytest.mark.asyncio
async def test_a_device_node_is_unmounted_without_a_look_at_the_other_mounts(tmp_path: Path) -> None:
    target = str(shutil.copy(__file__, tmp_path))
    blind = mounts.Mounts(Blind(), Threads(4), 10.0)
    await blind.bind("/dev/null", target, ("bind",))
    assert mounts.mounts_at(target)[-1].root == "/null"
    await blind.unmount(target, ("/dev",))
    assert mounts.mounts_at(target) == ()


@pytest.mark.asyncio
async def test_a_file_system_is_unmounted_without_a_look_at_the_other_mounts(place: str) -> None:
    run("mount", "-t", "tmpfs", "none", place)
    await mounts.Mounts(Blind(), Threads(4), 10.0).unmount(place)
