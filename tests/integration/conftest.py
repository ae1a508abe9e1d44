"""What the tests on real disks need of the machine; without it they are skipped, and say what is missing."""

from pathlib import Path

import pytest

from tools.services.machine import missing_for_disks


@pytest.fixture(scope="session")
def disk_folder(run_folder: Path) -> Path:
    """A folder in which loop devices and device nodes work."""
    if missing := missing_for_disks(run_folder):
        pytest.skip(missing)
    return run_folder


@pytest.fixture
def short_folder(disk_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for services of the test's own; its path is short, as those of sockets have to be."""
    folder = tmp_path_factory.mktemp("own").resolve()
    assert folder.is_relative_to(disk_folder)
    return folder
