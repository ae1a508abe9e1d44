"""Bind mounts by system calls are those of mount(8), and nothing is taken away that does not stay elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.host import mount_calls, mounts
from node.records.kernel import Mount
from tools.processes.run import run

OPTIONS = ("", "ro", "ro,nosuid,nodev", "noexec,nosymfollow", "noatime,nodiratime", "relatime,exec,suid")


@pytest.fixture
def folders(disk_folder: Path) -> Iterator[tuple[Path, Path, Path]]:
    """A file system, and two folders to bind it at."""
    made = tuple(disk_folder / name for name in ("source a", "one", "two"))
    for folder in made:
        folder.mkdir(exist_ok=True)
    source, one, two = made
    run("mount", "-t", "tmpfs", "-o", "nodiratime,nosuid", "none", str(source))
    yield source, one, two
    for folder in made:
        for _ in mounts.mounts_at(str(folder)):
            run("umount", str(folder))


def seen(folder: Path) -> Mount:
    return mounts.mounts_at(str(folder))[-1]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_bind_is_what_mount_makes_of_the_same_options(folders: tuple[Path, Path, Path], options: str) -> None:
    source, one, two = folders
    assert mount_calls.bind(str(source), str(one), options.split(","))
    run("mount", "-i", "-o", f"bind,{options}", str(source), str(two))
    kept = {"nosuid", "nodiratime"} if "suid" not in options.split(",") else {"nodiratime"}  # mount(8) drops them
    assert seen(one).options - kept == seen(two).options - kept
    assert seen(one).number == seen(two).number == seen(source).number


def test_nothing_is_mounted_at_or_from_a_link(folders: tuple[Path, Path, Path]) -> None:
    source, one, two = folders
    link = source.parent / "link"
    for leads_to, origin, place in ((two, source, link), (source, link, one)):
        link.symlink_to(leads_to)
        assert not mount_calls.bind(str(origin), str(place), ())
        link.unlink()
    assert [mounts.mounts_at(str(each)) for each in (one, two)] == [(), ()]


def test_a_mount_is_taken_away_only_while_its_file_system_stays(folders: tuple[Path, Path, Path]) -> None:
    source, one, two = map(str, folders)
    assert mount_calls.bind(source, one, ())
    assert not mount_calls.take_away(one, (one, two, "/proc", f"{two}/not there"))
    with open(f"{one}/busy", "w"):  # noqa: PTH123  # keeps the mount busy
        assert not mount_calls.take_away(one, (source,))
    assert mount_calls.take_away(one, (two, source))
    assert mounts.mounts_at(one) == ()
    assert not mount_calls.take_away(source, (one, two))
