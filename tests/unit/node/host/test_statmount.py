"""What statmount(2) tells of this machine's own mounts is what mountinfo tells."""

from contextlib import suppress
from pathlib import Path

import pytest

from node.host import mounts, paths, statmount


def test_each_mount_is_told_as_mountinfo_tells_it() -> None:
    with paths.pinned("/") as descriptor:
        if statmount.mount_of(descriptor) is None:
            pytest.skip("this kernel, or its sandbox, has no statmount(2) that tells all")
    told = {}
    for mount in mounts.read_table():
        with suppress(OSError), paths.pinned(mount.point) as descriptor:
            found = statmount.mount_of(descriptor)
            assert found is not None
            told[found.id] = found
    assert told == {mount.id: mount for mount in mounts.read_table() if mount.id in told}
    assert len(told) > 1


def test_what_is_seen_at_a_path_is_told_with_all_that_lies_below_it() -> None:
    table = mounts.read_table()
    for point in {mount.point for mount in table}:
        with suppress(OSError), paths.pinned(point) as descriptor:
            seen = mounts.mounts_at(point)
            if seen and seen[-1].id == paths.mount_id(descriptor):
                assert seen == table.at(point)[-len(seen) :]


def test_nothing_is_mounted_at_a_folder_of_its_own_or_where_nothing_is(tmp_path: Path) -> None:
    assert mounts.mounts_at(str(tmp_path)) == mounts.mounts_at(str(tmp_path / "none")) == ()
    around = mounts.mount_around(str(tmp_path / "none/nor this"))
    assert around == mounts.read_table().covering(str(tmp_path))


def test_a_kernel_without_it_is_read_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with paths.pinned("/proc") as descriptor:
        told = mounts.mount_of(descriptor), mounts.mounts_at("/proc")
        monkeypatch.setattr(statmount, "_STATMOUNT", -1)
        assert statmount.mount_of(descriptor) is None
        assert (mounts.mount_of(descriptor), mounts.mounts_at("/proc")) == told
