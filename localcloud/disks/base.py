"""What the cloud asks of its disks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Disk:
    """A volume as its disk is concerned. ``droplet_id`` names the running droplet that must see it, if any."""

    volume_id: str
    name: str
    size_gib: int
    droplet_id: int | None


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a disk: it lasts until the cloud ends. Pace in bytes a second, 0: as fast as it can."""

    fails_writes: bool = False
    hangs: bool = False
    bytes_per_second: int = 0


class DiskError(Exception):
    """A disk could not be made, attached, detached, grown or copied."""


class Disks(Protocol):
    """Every call is idempotent, so that it may be repeated after a crash. Raises DiskError, nothing else."""

    async def create(self, volume_id: str, size_gib: int, snapshot_id: str | None) -> None:
        """Make the disk of a new volume: empty, or with the data of a snapshot."""
        ...

    async def remove(self, volume_id: str) -> None:
        """Make the data of a volume unreadable and give its room back."""
        ...

    async def attach(self, disk: Disk) -> None:
        """Let the droplet named in ``disk`` see it."""
        ...

    async def detach(self, disk: Disk) -> None:
        """Take the disk away from the droplet named in ``disk``, also when it is in use there."""
        ...

    async def resize(self, volume_id: str, size_gib: int) -> None:
        """Grow the disk, and the device that a droplet sees."""
        ...

    async def fail_writes(self, volume_id: str, *, fail: bool) -> None:
        """Let every write to the disk fail from now on, or work again."""
        ...

    async def set_pace(self, volume_id: str, bytes_per_second: int) -> None:
        """Hold the disk to that pace; 0 lets it be as fast as it can."""
        ...

    async def snapshot(self, volume_id: str, snapshot_id: str) -> None:
        """Keep the volume's present data as a snapshot; all of it is there when this returns."""
        ...

    async def remove_snapshot(self, snapshot_id: str) -> None:
        """Give the room of a snapshot back."""
        ...

    async def hang(self, volume_id: str, *, hang: bool) -> None:
        """Let whoever reads or writes the disk wait from now on, without an error; or let it go on."""
        ...

    async def switch_on(self, droplet_id: int) -> None:
        """Start the machine of a droplet, the new one's too; it sees no volume before it is told to."""
        ...

    async def switch_off(self, droplet_id: int) -> None:
        """Stop the machine of a droplet at once; its devices go with it."""
        ...

    async def discard(self, droplet_id: int) -> None:
        """Stop the machine of a droplet that was deleted, and forget it."""
        ...

    async def reconcile(self, disks: Sequence[Disk], snapshot_ids: Sequence[str], droplets: Mapping[int, bool]) -> None:
        """Make it so: these disks, attached where they say, these snapshots, these droplets; no more.

        ``droplets`` says of each whether it is on.
        """
        ...

    async def close(self, *, for_good: bool) -> None:
        """Finish what is under way and let go of every device that no one has mounted; the data stays.

        ``for_good``: there is no next start, so a mounted device goes too, with its last user.
        """
        ...

    def used_bytes(self, volume_id: str) -> int | None:
        """Return how much room a volume takes on this machine, None if it has no file."""
        ...

    def device_folder(self, droplet_id: int) -> Path | None:
        """Return the folder in which a droplet sees its devices."""
        ...
