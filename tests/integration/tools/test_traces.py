import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.processes import traces

MIB = 1 << 20


@pytest.fixture(name="disk")
def fixture_disk(disk_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A file of its own on a loop device, in ``tmp_path``."""
    assert tmp_path.is_relative_to(disk_folder)
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(8 * MIB)
    command("losetup", "--find", str(image))
    yield image
    traces.clean(tmp_path)


def command(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=30)


def test_a_loop_device_is_found_and_detached_though_its_file_was_deleted(disk: Path) -> None:
    disk.unlink()
    assert [loop.backing_file for loop in traces.find(disk.parent).loops] == [f"{disk} (deleted)"]
    traces.clean(disk.parent)
    assert traces.find(disk.parent).lines() == []


def test_mounts_on_mounts_are_found_and_unmounted(disk: Path) -> None:
    (loop,) = traces.find(disk.parent).loops
    point = disk.parent / "with space"
    point.mkdir()
    command("mkfs.ext4", "-q", str(loop.path))
    command("mount", str(loop.path), str(point))
    command("mount", "--bind", str(point), str(point))
    assert [mount.point for mount in traces.find(disk.parent).mounts] == [point, point]
    traces.clean(disk.parent)
    assert traces.find(disk.parent).lines() == []


def test_a_mount_outside_of_the_folder_is_ours_if_its_device_is(
    disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (loop,) = traces.find(disk.parent).loops
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    command("mkfs.ext4", "-q", str(loop.path))
    command("mount", str(loop.path), str(elsewhere))
    assert [mount.point for mount in traces.find(disk.parent).mounts] == [elsewhere]
    traces.clean(disk.parent)
    assert traces.find(elsewhere).lines() == []


def test_the_loop_device_of_another_folder_is_left_alone(disk: Path) -> None:
    traces.clean(disk.parent / "dis")
    assert len(traces.find(disk.parent).loops) == 1
