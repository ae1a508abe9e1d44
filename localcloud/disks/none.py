"""No disks: the API alone, without root."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from localcloud.disks.base import Disk


class NoDisks:
    """Everything succeeds and nothing happens."""

    async def create(self, volume_id: str, size_gib: int, snapshot_id: str | None) -> None:
        """Do nothing."""

    async def remove(self, volume_id: str) -> None:
        """Do nothing."""

    async def attach(self, disk: Disk) -> None:
        """Do nothing."""

    async def detach(self, disk: Disk) -> None:
        """Do nothing."""

    async def resize(self, volume_id: str, size_gib: int) -> None:
        """Do nothing."""

    async def fail_writes(self, volume_id: str, *, fail: bool) -> None:
        """Do nothing."""

    async def set_pace(self, volume_id: str, bytes_per_second: int) -> None:
        """Do nothing."""

    async def snapshot(self, volume_id: str, snapshot_id: str) -> None:
        """Do nothing."""

    async def remove_snapshot(self, snapshot_id: str) -> None:
        """Do nothing."""

    async def hang(self, volume_id: str, *, hang: bool) -> None:
        """Do nothing."""

    async def switch_on(self, droplet_id: int) -> None:
        """Do nothing."""

    async def switch_off(self, droplet_id: int) -> None:
        """Do nothing."""

    async def discard(self, droplet_id: int) -> None:
        """Do nothing."""

    async def reconcile(self, disks: Sequence[Disk], snapshot_ids: Sequence[str], droplets: Mapping[int, bool]) -> None:
        """Do nothing."""

    async def close(self, *, for_good: bool) -> None:
        """Do nothing."""

    def used_bytes(self, volume_id: str) -> int | None:  # noqa: ARG002 (the protocol's name)
        """Return None: there are no files."""
        return None

    def device_folder(self, droplet_id: int) -> Path | None:  # noqa: ARG002 (the protocol's name)
        """Return None: there are no devices."""
        return None
