"""The files behind the disks: one for each volume and each snapshot. Everything here blocks: call it in a thread."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from localcloud.disks import files
from localcloud.disks.base import Disk, DiskError


class Store:
    """The files below one state folder."""

    def __init__(self, state: Path) -> None:
        self.volumes = state / "volumes"
        self.snapshots = state / "snapshots"
        for folder in (self.volumes, self.snapshots):
            folder.mkdir(parents=True, exist_ok=True)

    def file(self, volume_id: str) -> Path:
        """Return the file of a volume."""
        return self.volumes / f"{volume_id}.img"

    def used_bytes(self, volume_id: str) -> int | None:
        """Return how much room the file of a volume takes: it is sparse."""
        try:
            return self.file(volume_id).stat().st_blocks * 512
        except FileNotFoundError:
            return None

    def snapshot_file(self, snapshot_id: str) -> Path:
        """Return the file of a snapshot."""
        return self.snapshots / f"{snapshot_id}.img"

    def make(self, volume_id: str, size_gib: int, snapshot_id: str | None) -> None:
        """Make the file of a volume: empty and sparse, or a copy of the snapshot's."""
        size_bytes = size_gib * files.GIB
        if snapshot_id is None:
            files.make_empty(self.file(volume_id), size_bytes)
        else:
            files.copy(self.snapshot_file(snapshot_id), self.file(volume_id), size_bytes)

    def grow(self, volume_id: str, size_gib: int) -> None:
        """Make the file of a volume at least that large, also if writes to it fail."""
        with files.writable(self.file(volume_id)):
            files.grow(self.file(volume_id), size_gib * files.GIB)

    def check(self, disks: Sequence[Disk]) -> None:
        """Raise DiskError if a volume has no file."""
        if missing := [disk.volume_id for disk in disks if not self.file(disk.volume_id).exists()]:
            raise DiskError(f"no file for {', '.join(missing)}: take --disks none as before, or another --state")

    def keep_only(self, disks: Sequence[Disk], snapshot_ids: Iterable[str]) -> None:
        """Remove the files of all other volumes and snapshots."""
        keep_only(self.volumes, {self.file(disk.volume_id).name for disk in disks})
        keep_only(self.snapshots, {self.snapshot_file(each).name for each in snapshot_ids})


def keep_only(folder: Path, names: set[str]) -> None:
    """Remove all other files of a folder."""
    for file in folder.iterdir():
        if file.name not in names:
            files.remove(file)
