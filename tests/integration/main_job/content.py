"""What a pod does with its volume: write and read, as its kind of volume is used."""

import os
from pathlib import Path

from tools.csi.life import Life
from tools.services.stack import Node


def content(volume: Life, node: Node) -> Path:
    """Return what a pod reads and writes: a file on the file system, or the device itself."""
    path = volume.target_path(node)
    return path if volume.capability.block is not None else path / "file"


def write(path: Path, data: bytes) -> None:
    """Write from the beginning, and see it on the disk."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path, size: int) -> bytes:
    """Read ``size`` bytes from the beginning."""
    with path.open("rb") as file:
        return file.read(size)
