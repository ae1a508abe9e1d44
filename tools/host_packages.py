"""See that the programs of the host are there: install their Debian packages, or say plainly what is missing.

Runs on a bare Python. ``python -m tools.host_packages run`` fails if ``make run`` needs a program that is missing.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir


@dataclass(frozen=True)
class Package:
    """A Debian package, the programs of it that we start, and the ``make`` targets that start them."""

    name: str
    programs: tuple[str, ...]  # or, with a leading slash, files
    required_by: tuple[str, ...] = ()  # these targets fail without it
    used_by: tuple[str, ...] = ()  # these do less, and say so

    def missing(self) -> list[str]:
        """Return the programs that are not on this machine."""
        path = f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}"
        return [program for program in self.programs if not _there(program, path)]

    def complaint(self) -> str:
        """Return the line that tells what is missing, who needs it, and what to do."""
        needs = [f"make {target} needs it" for target in self.required_by]
        uses = [f"make {target} skips what needs it" for target in self.used_by]
        missing = ", ".join(self.missing())
        return f"missing: {missing}; as root: apt-get install {self.name} ({'; '.join(needs + uses)})"


SETTING, OFF = "AIOCSI_INSTALL", "no"
SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
ON_DISKS = ("run", "sanity")
TESTING = ("test", "bench")
PACKAGES = (
    Package("mount", ("mount", "umount", "losetup"), (*ON_DISKS, "cloud"), TESTING),
    Package("util-linux", ("blkid", "blockdev", "findmnt", "wipefs"), ON_DISKS, TESTING),
    Package("e2fsprogs", ("mkfs.ext4", "e2fsck", "resize2fs", "e2undo", "debugfs", "dumpe2fs"), ON_DISKS, TESTING),
    Package("xfsprogs", ("mkfs.xfs", "xfs_repair", "xfs_growfs"), ON_DISKS, TESTING),
    Package("btrfs-progs", ("mkfs.btrfs", "btrfs"), used_by=TESTING),
    Package("cryptsetup-bin", ("cryptsetup",), used_by=TESTING),
    Package("mmdebstrap", ("mmdebstrap",), ("e2e", "droplets"), ("image", "vm")),
    Package("qemu-user-static", ("qemu-aarch64-static",), ("image-arm64",)),
    Package("qemu-system-x86", ("qemu-system-x86_64",), ("droplets",), ("vm",)),
    Package("qemu-utils", ("qemu-img", "qemu-nbd"), ("droplets",), ("vm",)),
    Package("cpio", ("cpio",), ("droplets",), ("vm",)),
    Package("docker.io", ("docker", "dockerd", "runc"), ("e2e",)),
    Package("iptables", ("iptables", "iptables-save"), ("e2e",)),
    Package("busybox-static", ("busybox",), ("e2e",)),
    Package("gcc", ("gcc",), ("e2e",)),
    Package("openssl", ("openssl",), ("chart",)),
    Package("pkg-config", ("pkg-config",), ("e2e",)),
    Package("libseccomp-dev", ("/usr/include/seccomp.h",), ("e2e",)),
    Package("fdisk", ("sfdisk",), used_by=("test",)),
    Package("strace", ("strace",), used_by=("test",)),  # kills a program before its n-th write
    Package("chromium", ("chromium",), used_by=("test",)),  # opens the embedded cloud's page
    *(
        Package(name, (program,), used_by=("test",))  # what a volume may hold when the node meets it
        for name, program in (
            ("dosfstools", "mkfs.vfat"),
            ("exfatprogs", "mkfs.exfat"),
            ("ntfs-3g", "mkntfs"),
            ("f2fs-tools", "mkfs.f2fs"),
            ("squashfs-tools", "mksquashfs"),
            ("erofs-utils", "mkfs.erofs"),
            ("genisoimage", "genisoimage"),
            ("udftools", "mkudffs"),
            ("nilfs-tools", "mkfs.nilfs2"),
            ("jfsutils", "mkfs.jfs"),
            ("reiserfsprogs", "mkreiserfs"),
            ("gfs2-utils", "mkfs.gfs2"),
            ("bcache-tools", "make-bcache"),
            ("util-linux-extra", "mkfs.cramfs"),
        )
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 the targets can do their work, 1 one of them cannot."""
    targets = set(sys.argv[1:] if argv is None else argv)
    wanted = [package for package in PACKAGES if targets & {*package.required_by, *package.used_by}]
    if lacking := [package for package in wanted if package.missing()]:
        _install_or_tell(lacking, f"make {' '.join(sorted(targets))}", os.environ)
    still = [package for package in lacking if package.missing()]
    for package in still:
        print(package.complaint(), file=sys.stderr)
    return int(any(targets & set(package.required_by) for package in still))


def _there(program: str, path: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program, path=path) is not None


def _install_or_tell(lacking: Sequence[Package], target: str, environment: Mapping[str, str]) -> None:
    """Install the packages, and say for which target and programs; print what to type where that is turned off."""
    names = [package.name for package in lacking]
    if environment.get(SETTING) == OFF:
        print(f"{SETTING}={OFF}, so nothing is installed; as root: apt-get install {' '.join(names)}", file=sys.stderr)
    else:
        why = "; ".join(f"{package.name} for {', '.join(package.missing())}" for package in lacking)
        _install(names, f"{target} installs Debian packages: {why} ({SETTING}={OFF} turns this off)")


def _install(names: Sequence[str], said: str) -> None:
    """Install Debian packages if we are root and apt is there; whoever calls looks what is still missing."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print(said, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}

    def apt_get(*argv: str) -> bool:
        command = ["apt-get", "-qq", *argv]
        done = subprocess.run(
            command, check=False, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        return done.returncode == 0

    with (Path(gettempdir()) / "aiocsi-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # apt itself does not wait for another apt
        apt_get("update")
        install = ("install", "-y", "--no-install-recommends")
        if not apt_get(*install, *names):
            for name in names:  # one that this release does not have must not keep the others away
                apt_get(*install, name)


if __name__ == "__main__":
    sys.exit(main())
