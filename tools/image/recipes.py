"""The images that are made: the driver's, and that of the embedded cloud by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.image import ROOT


@dataclass(frozen=True)
class Recipe:
    """One image: our packages, the hashed packages that they need, and what of Debian's root file system stays."""

    name: str
    description: str
    packages: tuple[str, ...]
    requirements: Path
    scripts: Mapping[str, str]  # the program's name, and its module
    programs: tuple[str, ...]  # of Debian
    unused: tuple[str, ...]  # of Debian's Python, and private keys' folder
    command: tuple[str, ...]
    largest_mb: int


_UNUSED = (
    *("*/ensurepip/*", "*/idlelib/*", "*/lib2to3/*", "*/pydoc_data/*", "*/test/*", "*/tkinter/*", "*/turtle*"),
    *("*.opt-?.pyc", "*/config-3.11-*", "*/curses/*", "*/dbm/*", "*/distutils/*", "etc/ssl/private/*"),
    *("*/venv/*", "*/wsgiref/*", "*/xmlrpc/*", "*/doctest*", "*/audioop*", "*/_codecs_*", "*/_lsprof*", "*/_xx*"),
    *("*/_curses*", "*/_dbm*", "*/_test*", "*/_tkinter*", "*/nis.*", "*/readline.*", "*/ossaudiodev*"),
)
DRIVER = Recipe(
    name="aiocsi",
    description="CSI driver for DigitalOcean Volumes: controller and node",
    packages=("common", "controller", "csi_proto", "kubectl_aiocsi", "node", "warden"),
    requirements=ROOT / "requirements" / "image.txt",  # of every process in it
    scripts={
        "aiocsi-controller": "controller.__main__",
        "aiocsi-node": "node.__main__",
        "aiocsi-warden": "warden.__main__",
        "kubectl-aiocsi": "kubectl_aiocsi.__main__",
        "kubectl_complete-aiocsi": "kubectl_aiocsi.completion",
    },
    programs=(
        *("mke2fs", "mkfs.ext2", "mkfs.ext3", "mkfs.ext4", "e2fsck", "resize2fs", "e2undo", "debugfs"),
        *("mkfs.xfs", "xfs_growfs", "xfs_repair", "mkfs.btrfs", "btrfs"),
        *("blkid", "blockdev", "losetup", "mount", "umount", "wipefs"),
        *("cryptsetup", "dmsetup"),
        "rm",  # the init container that removes the cloud's udev rule
        "python3",
    ),
    unused=(*_UNUSED, "*/sqlite3/*", "*/_sqlite3*"),
    command=("aiocsi-node", "--help"),
    largest_mb=90,
)
CLOUD = Recipe(
    name="aiocsi-localcloud",
    description="The block-storage part of the DigitalOcean API in one process, to test programs against",
    packages=("localcloud",),
    requirements=ROOT / "requirements" / "localcloud.txt",
    scripts={"aiocsi-localcloud": "localcloud.__main__"},
    programs=("python3",),
    unused=_UNUSED,
    command=("aiocsi-localcloud", "--listen", "0.0.0.0:8080", "--state", "/tmp/cloud"),  # noqa: S108 (a container's)
    largest_mb=75,
)
