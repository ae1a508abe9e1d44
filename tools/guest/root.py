"""The guest image: kernel, initrd, and the root file system.

Debian's packages by mmdebstrap, our few files, and an initrd of busybox and six modules: the distribution's own takes
ten times as long to load. Neither mounts nor loop devices are needed to make it, but root is, for the device nodes.
"""

import fcntl
import gzip
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.guest import AGENT, FILES, IMAGES, debian_packages
from tools.image import root

MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "virtio_scsi", "sd_mod", "ext4")
ROOT_SIZE = "2G"  # sparse
INSIDE = "usr/lib/aiocsi-guest"
SECONDS = 300


def make() -> Path:
    """Return the folder with ``vmlinuz``, ``initrd.img``, ``root.img`` and ``tree``, made if it is not there.

    Raises CalledProcessError, or FileNotFoundError without mmdebstrap.
    """
    names, files = debian_packages(), [AGENT, *sorted(FILES.iterdir()), Path(__file__)]
    parts = [repr(names).encode(), *(part for file in files for part in (file.name.encode(), file.read_bytes()))]
    target = IMAGES / hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
    with only_one():
        if not target.exists():
            system = root.root(names, variant="minbase")
            with TemporaryDirectory(prefix="new-", dir=IMAGES) as name:
                made = Path(name) / "image"
                _fill(made, system)
                made.rename(target)
    return target


@contextmanager
def only_one() -> Iterator[None]:
    """Let a second process wait until the first one has made what both need."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (IMAGES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*argv: str | Path) -> str:
    """Run a program to its end; return what it printed. Raises CalledProcessError."""
    done = subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=SECONDS)
    return done.stdout.decode()


def _fill(made: Path, system: Path) -> None:
    tree = made / "tree"
    tree.mkdir(parents=True)
    run("tar", "--extract", "--numeric-owner", "--file", system, "--directory", tree)
    kernel = next(tree.glob("boot/vmlinuz-*"))
    shutil.copy(kernel, made / "vmlinuz")
    _initrd(tree, kernel.name.removeprefix("vmlinuz-"), made)
    shutil.rmtree(tree / "boot")
    _own_files(tree)
    options = ("-q", "-t", "ext4", "-L", "guest", "-E", "lazy_itable_init=1,nodiscard")
    run("mke2fs", *options, "-d", tree, made / "root.img", ROOT_SIZE)


def _initrd(tree: Path, release: str, made: Path) -> None:
    folder = made / "initrd"
    for name in ("bin", "dev", "proc", "sys", "root", "modules"):
        (folder / name).mkdir(parents=True)
    shutil.copy(tree / "bin/busybox", folder / "bin/busybox")
    shutil.copy(FILES / "initrd-init", folder / "init")
    (folder / "init").chmod(0o755)
    os.mknod(folder / "dev/console", 0o20600, os.makedev(5, 1))
    order = []
    for path in _modules(tree, release):
        shutil.copy(tree / path.lstrip("/"), folder / "modules")
        order.append(Path(path).name)
    (folder / "modules/order").write_text("\n".join(order))
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    argv = ["cpio", "--quiet", "--create", "--format=newc", "--owner=0:0"]
    packed = subprocess.run(argv, cwd=folder, input=names.encode(), check=True, stdout=subprocess.PIPE).stdout
    (made / "initrd.img").write_bytes(gzip.compress(packed, 1))
    shutil.rmtree(folder)


def _modules(tree: Path, release: str) -> list[str]:
    """Return the files of the modules that the root's disk needs, each after what it rests on."""
    told = [run("chroot", tree, "modprobe", "-S", release, "--show-depends", name) for name in MODULES]
    files = [line.split()[1] for text in told for line in text.splitlines() if line.startswith("insmod")]
    return list(dict.fromkeys(files))


def _own_files(tree: Path) -> None:
    inside = tree / INSIDE
    inside.mkdir(parents=True)
    shutil.copy(AGENT, inside / "agent.py")
    for name in ("init", "network", "automount"):
        shutil.copy(FILES / name, inside / name)
        (inside / name).chmod(0o755)
    shutil.copy(FILES / "99-digitalocean-automount.rules", inside)
    units = tree / "etc/systemd/system"
    shutil.copy(FILES / "agent.service", units)
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants/agent.service").symlink_to("../agent.service")
    (tree / "etc/hostname").write_text("droplet\n")
    (tree / "etc/fstab").write_text("")
    (tree / "etc/machine-id").write_text("")
