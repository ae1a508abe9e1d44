"""What the tests on real disks need of the machine; without it they are skipped, and say what is missing."""

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def disk_folder(run_folder: Path) -> Path:
    """A folder in which loop devices and device nodes work."""
    if missing := missing_for_disks(run_folder):
        pytest.skip(missing)
    return run_folder


def missing_for_disks(folder: Path) -> str:
    """Say what this machine lacks for real disks in ``folder``; empty if it lacks nothing."""
    if os.geteuid() != 0:
        return "needs root: loop devices, mkfs and mount"
    if not Path("/dev/loop-control").exists():
        return "needs loop devices: there is no /dev/loop-control"
    if programs := [name for name in ("losetup", "mkfs.ext4", "mkfs.xfs", "blkid", "mount") if not shutil.which(name)]:
        return f"needs programs that are not installed: {', '.join(programs)}"
    if os.statvfs(folder).f_flag & os.ST_NODEV:
        return f"{folder} is on a file system mounted nodev: name another folder with --basetemp"
    return ""
