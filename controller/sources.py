"""What volumes are copied from: snapshots, and the temporary snapshot that a clone needs.

A clone is: snapshot the source, make a volume of the snapshot, delete the snapshot. The snapshot's name follows from
the clone's, so whoever does it again after a crash finds what was left, and removes it.
"""

from collections.abc import Iterable
from contextlib import suppress

import structlog

from common import errors
from common.tasks import Tasks
from controller.cache import VolumeCache
from controller.clone_sweep import AGAIN_SECONDS, CloneSweep
from controller.cloud.base import Cloud, snapshots_of
from controller.cloud.cloud_errors import Gone, NameTaken, SnapshotLimit
from controller.cloud.paging import everything
from controller.cloud.records import Snapshot, Volume
from controller.codes import Code
from controller.finality import not_final, not_shown
from controller.records import Create
from controller.rules import capacity, temporary_snapshot

log = structlog.get_logger("sources")


class Sources:
    """Finds and makes the sources of volumes."""

    def __init__(self, cloud: Cloud, tasks: Tasks, cache: VolumeCache) -> None:
        self._cloud = cloud
        self._tasks = tasks
        self._cache = cache
        self._sweep = CloneSweep(tasks, self._delete)

    async def smallest_bytes(self, wanted: Create) -> int:
        """Return the size that a volume made of the wanted snapshot begins with. Raises NotFound, OutOfRange."""
        snapshot_id = wanted.source.snapshot_id
        try:
            snapshot = self._cache.snapshot(snapshot_id) or await snapshots_of(self._cloud).get_snapshot(snapshot_id)
        except Gone:
            raise errors.NotFound(
                f"there is no snapshot {snapshot_id} to make volume {wanted.name} of", error_code=Code.SOURCE_GONE
            ) from None
        if wanted.zone not in snapshot.zones:
            raise errors.ResourceExhausted(
                f"snapshot {snapshot_id} is in zone {', '.join(snapshot.zones)}, the volume is asked for in"
                f" {wanted.zone}",
                remedy=f"claim the volume in zone {', '.join(snapshot.zones)}",
                error_code=Code.OTHER_ZONE,
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
            raise errors.NotFound(
                f"there is no volume {volume_id} to clone as {wanted.name}", error_code=Code.SOURCE_GONE
            ) from None
        if volume.zone != wanted.zone:
            raise errors.ResourceExhausted(
                f"volume {volume_id} is in zone {volume.zone}, its clone is asked for in {wanted.zone}",
                remedy=f"claim the clone in zone {volume.zone}",
                error_code=Code.OTHER_ZONE,
            )
        capacity.choose_gib(wanted.size, self._cloud.traits.sizes, volume.size_bytes)
        return volume

    async def take(self, wanted: Create, source: Volume) -> Snapshot:
        """Return the temporary snapshot of the source, made now or left from an earlier try."""
        name = temporary_snapshot.name_of(wanted.name)
        if left := await self._left(source.id, name):
            return left
        labels = (*wanted.labels, temporary_snapshot.LABEL)
        try:
            return await self._tasks.finish(snapshots_of(self._cloud).create_snapshot(source.id, name, labels))
        except SnapshotLimit as refused:  # perhaps since the call before took it, and no list shows it yet
            raise errors.unavailable(refused) from None
        except (NameTaken, errors.OutcomeUnknown) as error:
            with not_final(f"a snapshot to clone volume {source.id} was asked for"):
                left = await self._left(source.id, name)
                named = [] if left or not isinstance(error, NameTaken) else await self._named(name)
            left = left or _temporary(named, source.id)
            if left is None:
                raise _in_the_way(name) if named else not_shown("snapshot", name, error) from None
            return left

    def asked(self, wanted: Create) -> None:
        """Take note of a clone: its temporary snapshot is deleted some time after it was asked for last."""
        self._sweep.asked(wanted.name, wanted.source.volume_id)

    def is_wanted(self, snapshot_name: str) -> bool:
        """Say whether a clone that was asked for here may need the temporary snapshot of that name."""
        return snapshot_name in map(temporary_snapshot.name_of, self._sweep)

    async def clean(self, wanted: Create) -> bool:
        """Delete the temporary snapshot, if there is one; say whether none is left. What fails now is tried later."""
        try:
            await self._delete(wanted.name, wanted.source.volume_id)
        except errors.DriverError as error:
            log.warning("temporary_snapshot_stays", name=wanted.name, message=str(error), remedy="none needed")
            self._sweep.asked(wanted.name, wanted.source.volume_id, AGAIN_SECONDS)
            return False
        self._sweep.done(wanted.name)
        return True

    async def _delete(self, volume_name: str, source_id: str) -> None:
        left = await self._left(source_id, temporary_snapshot.name_of(volume_name))
        if left is not None:
            with suppress(Gone):
                await self._tasks.finish(snapshots_of(self._cloud).delete_snapshot(left.id))

    async def _left(self, volume_id: str, name: str) -> Snapshot | None:
        """Find the temporary snapshot of that name, which may outlive the volume."""
        try:
            found = list(await snapshots_of(self._cloud).volume_snapshots(volume_id))
        except Gone:
            return _temporary(await self._named(name), volume_id)
        return _temporary((each for each in found if each.name == name), volume_id)

    async def _named(self, name: str) -> list[Snapshot]:
        return [each for each in await everything(snapshots_of(self._cloud).list_snapshots) if each.name == name]


def _temporary(named: Iterable[Snapshot], volume_id: str) -> Snapshot | None:
    return next((each for each in named if each.volume_id == volume_id and temporary_snapshot.is_temporary(each)), None)


def _in_the_way(name: str) -> errors.FailedPrecondition:
    return errors.FailedPrecondition(
        f"a snapshot named {name} exists that no clone has made",
        remedy="rename that snapshot, or delete it",
        error_code=Code.NAME_TAKEN,
    )
