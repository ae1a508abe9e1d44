"""Paths as the kernel sees them, on this machine's own mounts."""

from pathlib import Path

from node.host import host, mounts, paths
from node.host.leftover_programs import LeftoverPrograms


def test_a_path_at_which_nothing_is_mounted_lies_in_the_mount_around_it(tmp_path: Path) -> None:
    table = mounts.read_table()
    for path in (tmp_path, tmp_path / "not there" / "nor this"):
        around, seen = paths.mount_ids(str(path))
        assert seen in {0, around}
        assert mounts.read_mount(around) == table.covering(str(path))


def test_a_mount_point_has_another_mount_than_what_is_around_it() -> None:
    table = mounts.read_table()
    around, seen = paths.mount_ids("/proc")
    assert seen == table.at("/proc")[-1].id != around


def test_a_look_at_a_mount_point_tells_what_is_mounted_there(tmp_path: Path) -> None:
    none = LeftoverPrograms("nobody", tmp_path)
    seen = host._glance("/proc", Path("/"), none)
    assert [mount.kind for mount in seen.mounted][-1:] == ["proc"]
    assert seen.under is None
    bare = host._glance(str(tmp_path), tmp_path.parent, none)
    assert bare.mounted == ()
    assert bare.under == mounts.read_table().covering(str(tmp_path))


def test_a_mount_that_is_not_there_is_not_found() -> None:
    assert mounts.read_mount(0) is None
