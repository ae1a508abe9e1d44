"""Volumes for the node's tests: sparse files named after the volume, on loop devices with a node in a folder."""

import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.csi.kubelet import NodeRequests, attached, used_as
from tools.processes.run import run

MIB, GIB = 1 << 20, 1 << 30


@dataclass(frozen=True)
class Disk:
    """One volume: its file, the loop device upon it, and the node through which the driver sees it."""

    id: str
    name: str
    file: Path
    node: Path

    @property
    def loop(self) -> str:
        """The loop device's path (/dev/loopN)."""
        number = os.minor(self.node.stat().st_rdev)
        return f"/dev/loop{number}"

    @property
    def number(self) -> str:
        """The device's number, as in mountinfo."""
        status = self.node.stat()
        return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"

    def asked(self, staging_path: str, target: str = "", kind: str = "ext4") -> NodeRequests:
        """The messages of kubelet. No kind: a raw block volume."""
        return NodeRequests(self.id, attached(self.name), staging_path, target, used_as(kind))

    def digest(self) -> str:
        """Return a hash of every byte of the volume, as its file has it; holes are not read."""
        found = hashlib.blake2b()
        with self.file.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found.update(str(size).encode())
            for block in sorted(set(_blocks_with_data(file.fileno(), size))):
                if (data := os.pread(file.fileno(), MIB, block * MIB)).strip(b"\0"):
                    found.update(f"{block}:".encode() + data)
        return found.hexdigest()


class Disks:
    """Makes volumes below ``folder``; ``devices`` is the folder in which the driver looks for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "volumes"
        self.devices = folder / "dev"
        for each in (self.files, self.devices):
            each.mkdir(parents=True)
        self._loops: list[str] = []

    def file(self, size_bytes: int, volume_id: str = "") -> Path:
        """Make an empty sparse file for a volume."""
        path = self.files / f"{volume_id or uuid.uuid4()}.img"
        with path.open("wb") as file:
            file.truncate(size_bytes)
        return path

    def alias(self, file: Path) -> Path:
        """Return another name of a volume's file, as of another volume."""
        path = self.files / f"{uuid.uuid4()}.img"
        path.hardlink_to(file)
        return path

    def blank(self, size_bytes: int = GIB) -> Disk:
        """Make a volume that nobody has written to."""
        return self.attach(self.file(size_bytes))

    def attach(self, file: Path, *, read_only: bool = False) -> Disk:
        """Give a file a loop device, and make its node appear."""
        loop = run("losetup", "--find", "--show", *(["--read-only"] if read_only else []), str(file)).strip()
        self._loops.append(loop)
        name = f"pvc-{file.stem}"
        node = self.devices / f"scsi-0DO_Volume_{name}"
        os.mknod(node, stat.S_IFBLK | 0o600, Path(loop).stat().st_rdev)
        return Disk(file.stem, name, file, node)

    def detach(self, disk: Disk) -> None:
        """Take the node away and let go of the file; a device in use lives on until it is not."""
        loop = disk.loop
        disk.node.unlink()
        run("losetup", "--detach", loop)
        self._loops.remove(loop)

    def forget(self, disk: Disk) -> None:
        """Detach a device in use: it lives on until its last user is gone."""
        loop = disk.loop
        run("losetup", "--detach", loop)
        self._loops.remove(loop)

    def close(self) -> None:
        """Let go of all devices."""
        for loop in self._loops:
            run("blockdev", "--setrw", loop)  # the kernel keeps the flag when a loop device gets another file
            run("losetup", "--detach", loop)


@contextmanager
def disks(folder: Path) -> Iterator[Disks]:
    """Make volumes that are gone afterwards."""
    made = Disks(folder)
    try:
        yield made
    finally:
        made.close()


def _blocks_with_data(file: int, size: int) -> Iterator[int]:
    """Yield the number of each MiB that is no hole; one may come twice."""
    start = 0
    while start < size:
        try:
            start = os.lseek(file, start, os.SEEK_DATA)
        except OSError:  # nothing but a hole up to the end
            return
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield from range(start // MIB, -(-end // MIB))
        start = end
