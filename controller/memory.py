"""What is known of volumes, so that nothing is asked twice: names and sizes never change unseen, attachments may.

A name and a region hold for a volume's life, and a size only grows, so attach needs no look at the volume. Who holds
a volume is a hint: the cloud's answer decides. Kept in the process alone; a restart costs one read per volume.
"""

from collections.abc import Iterator
from dataclasses import replace

from controller.cloud.base import Snapshot, Volume


class Memory:
    """Volumes and snapshots as they were last seen."""

    def __init__(self) -> None:
        self._volumes: dict[str, Volume] = {}
        self._snapshots: dict[str, Snapshot] = {}

    def __len__(self) -> int:
        return len(self._volumes)

    def __iter__(self) -> Iterator[Volume]:
        return iter(list(self._volumes.values()))

    def get(self, volume_id: str) -> Volume | None:
        """Return the volume as it was last seen."""
        return self._volumes.get(volume_id)

    def see(self, volume: Volume) -> Volume:
        """Remember a volume as the cloud has just told it; return it."""
        self._volumes[volume.id] = volume
        return volume

    def forget(self, volume_id: str) -> None:
        """The volume is gone."""
        self._volumes.pop(volume_id, None)

    def hold(self, volume_id: str, droplet_ids: tuple[int, ...]) -> None:
        """Those droplets, and no others, hold the volume now."""
        if volume := self._volumes.get(volume_id):
            self._volumes[volume_id] = replace(volume, droplet_ids=droplet_ids)

    def grow(self, volume_id: str, size_bytes: int) -> None:
        """The volume has that size now."""
        if volume := self._volumes.get(volume_id):
            self._volumes[volume_id] = replace(volume, size_bytes=size_bytes)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """Return the snapshot as it was last seen; a snapshot never changes."""
        return self._snapshots.get(snapshot_id)

    def snapshot_named(self, name: str) -> Snapshot | None:
        """Return the snapshot of that name, if one was seen."""
        return next((each for each in self._snapshots.values() if each.name == name), None)

    def see_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Remember a snapshot; return it."""
        self._snapshots[snapshot.id] = snapshot
        return snapshot

    def forget_snapshot(self, snapshot_id: str) -> None:
        """The snapshot is gone."""
        self._snapshots.pop(snapshot_id, None)
