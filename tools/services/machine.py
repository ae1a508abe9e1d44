"""What real disks need of the machine."""

import os
import shutil
from pathlib import Path

_PROGRAMS = ("losetup", "mkfs.ext4", "mkfs.xfs", "blkid", "mount", "umount")


def missing_for_disks(folder: Path) -> str:
    """Say what this machine lacks for real disks in ``folder``, and what to do; empty if it lacks nothing."""
    if os.geteuid() != 0:
        return "needs root, for loop devices, mkfs and mount: run it as root, or with sudo"
    if not Path("/dev/loop-control").exists():
        return "needs loop devices, and there is no /dev/loop-control: load the kernel module loop"
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return f"needs programs that are not installed: {', '.join(missing)}"
    if os.statvfs(folder).f_flag & os.ST_NODEV:
        return f"needs device nodes, and {folder} is mounted nodev: set TMPDIR to another folder"
    return ""
