"""What volumes are copied from: snapshots, and the passing snapshot that a clone needs.

A clone is: snapshot the source, make a volume of the snapshot, delete the snapshot. The snapshot's name follows from
the clone's, so whoever does it again after a crash finds what was left, and removes it.
"""

import hashlib

from common import errors
from common.tasks import Tasks
from controller.cache import VolumeCache
from controller.cloud.base import Cloud, Gone, NameTaken, Snapshot, Volume
from controller.records import Create
from controller.rules import capacity

CLONE_PREFIX = "csi-clone-"


class Sources:
    """Finds and makes the sources of volumes."""

    def __init__(self, cloud: Cloud, tasks: Tasks, cache: VolumeCache) -> None:
        self._cloud = cloud
        self._tasks = tasks
        self._cache = cache

    async def smallest_bytes(self, wanted: Create) -> int:
        """Return the size that a volume made of the wanted snapshot begins with. Raises NotFound, OutOfRange."""
        snapshot_id = wanted.source.snapshot_id
        try:
            snapshot = self._cache.snapshot(snapshot_id) or await self._cloud.get_snapshot(snapshot_id)
        except Gone:
            raise errors.NotFound(f"there is no snapshot {snapshot_id} to make volume {wanted.name} of") from None
        if wanted.zone not in snapshot.zones:
            raise errors.ResourceExhausted(
                f"snapshot {snapshot_id} is in zone {', '.join(snapshot.zones)}, the volume is asked for in"
                f" {wanted.zone}"
            )
        self._cache.see_snapshot(snapshot)
        capacity.choose_gib(wanted.size, self._cloud.traits.sizes, snapshot.min_size_bytes)
        return snapshot.min_size_bytes

    async def source_volume(self, wanted: Create) -> Volume:
        """Return the volume to clone. Raises NotFound, ResourceExhausted, OutOfRange."""
        volume_id = wanted.source.volume_id
        try:
            volume = self._cache.see(await self._cloud.get_volume(volume_id))
        except Gone:
            raise errors.NotFound(f"there is no volume {volume_id} to clone as {wanted.name}") from None
        if volume.zone != wanted.zone:
            raise errors.ResourceExhausted(
                f"volume {volume_id} is in zone {volume.zone}, its clone is asked for in {wanted.zone}"
            )
        capacity.choose_gib(wanted.size, self._cloud.traits.sizes, volume.size_bytes)
        return volume

    async def take(self, wanted: Create, source: Volume) -> Snapshot:
        """Return the passing snapshot of the source, made now or left from an earlier try."""
        name = passing_name(wanted.name)
        if left := await self._left(source.id, name):
            return left
        try:
            return await self._tasks.finish(self._cloud.create_snapshot(source.id, name, wanted.labels))
        except (NameTaken, errors.OutcomeUnknown):
            left = await self._left(source.id, name)
            if left is None:
                raise
            return left

    async def clean(self, wanted: Create) -> None:
        """Delete the passing snapshot, if there is one."""
        name = passing_name(wanted.name)
        try:
            left = await self._left(wanted.source.volume_id, name)
            if left is not None:
                await self._tasks.finish(self._cloud.delete_snapshot(left.id))
        except Gone:
            return

    async def _left(self, volume_id: str, name: str) -> Snapshot | None:
        snapshots = await self._cloud.volume_snapshots(volume_id)
        return next((each for each in snapshots if each.name == name), None)


def passing_name(volume_name: str) -> str:
    """Return the name of the snapshot through which the volume of that name is cloned."""
    return CLONE_PREFIX + hashlib.sha256(volume_name.encode()).hexdigest()[:32]
