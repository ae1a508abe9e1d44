"""Snapshots: take, delete, find. The name is the key within the volume of which it is taken.

Sources: CSI 1.13 "CreateSnapshot", "DeleteSnapshot", "ListSnapshots"; DigitalOcean API "volumeSnapshots_create" (one a
volume every 10 minutes, 25 in all).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from common import call_log, errors
from controller.cloud.base import snapshots_of
from controller.cloud.cloud_errors import Gone, NameTaken, SnapshotLimit
from controller.cloud.paging import everything
from controller.cloud.records import Snapshot
from controller.codes import Code
from controller.finality import not_final, not_shown
from controller.records import ListRequest, TakeSnapshot
from controller.rules import pages, snapshot_limits, temporary_snapshot
from controller.shared import SharedParts

log = structlog.get_logger("snapshots")

FRESH_SECONDS = 60.0


class Snapshots:
    """The account's snapshots of volumes. ``wall`` returns seconds since 1970."""

    def __init__(self, parts: SharedParts, longest_page: int, wall: Callable[[], float]) -> None:
        self._cloud = parts.cloud
        self._tasks = parts.tasks
        self._locks = parts.locks
        self._cache = parts.cache
        self._longest = longest_page
        self._wall = wall
        self._listed: list[Snapshot] = []
        self._listed_at = float("-inf")

    async def create(self, wanted: TakeSnapshot) -> Snapshot:
        """Take the snapshot, or find it taken.

        Raises NotFound, AlreadyExists (another volume's snapshot has the name), ResourceExhausted with the time at
        which it will work, NotFinal.
        """
        with self._locks.hold(f"snapshot {wanted.name}"):
            await self._check_name(wanted)
            existing = await self._of_volume(wanted.volume_id)
            if found := _named(existing, wanted.name):
                call_log.tell(outcome="found")
                return self._cache.see_snapshot(found)
            try:
                return await self._tasks.finish(self._post(wanted))
            except SnapshotLimit as refused:
                limits = self._cloud.traits.snapshots
                if limits is None:
                    raise
                of = wanted.volume_id
                raise snapshot_limits.snapshot_refused(of, existing, limits, self._wall(), refused.message) from None
            except (NameTaken, errors.OutcomeUnknown) as error:
                return await self._find_after(wanted, error)

    async def delete(self, snapshot_id: str) -> None:
        """Delete the snapshot; one that is gone is done. Raises NotFinal."""
        with self._locks.hold(snapshot_id):
            call_log.tell(outcome="was_gone")
            with suppress(Gone):
                await self._tasks.finish(snapshots_of(self._cloud).delete_snapshot(snapshot_id))
                call_log.tell(outcome="deleted")
            self._cache.forget_snapshot(snapshot_id)
            self._listed_at = float("-inf")

    async def get(self, snapshot_id: str) -> Snapshot:
        """Return the snapshot. Raises NotFound."""
        try:
            return self._cache.see_snapshot(await snapshots_of(self._cloud).get_snapshot(snapshot_id))
        except Gone:
            self._cache.forget_snapshot(snapshot_id)
            raise errors.NotFound(f"there is no snapshot {snapshot_id}", error_code=Code.SNAPSHOT_GONE) from None

    async def page(self, asked: ListRequest, volume_id: str) -> tuple[list[Snapshot], str]:
        """Return a page of the snapshots, of one volume if ``volume_id`` is not empty, and the token of the next."""
        after = pages.after(asked.token)
        found = await self._of_volume(volume_id) if volume_id else await self._all(fresh=not asked.token)
        left = [each for each in found if (each.created_at, each.id) > after]
        length = pages.length(asked.max_entries, self._longest)
        token = pages.token((left[length - 1].created_at, left[length - 1].id)) if len(left) > length else ""
        return left[:length], token

    async def _post(self, wanted: TakeSnapshot) -> Snapshot:
        with self._locks.extend(f"snapshot {wanted.name}"):
            self._listed_at = float("-inf")
            made = await snapshots_of(self._cloud).create_snapshot(wanted.volume_id, wanted.name, wanted.labels)
            call_log.tell(outcome="created")
            return self._cache.see_snapshot(made)

    async def _check_name(self, wanted: TakeSnapshot) -> None:
        """Raise AlreadyExists if the name is known to be that of another volume's snapshot."""
        known = self._cache.snapshot_named(wanted.name)
        if known is None or known.volume_id == wanted.volume_id:
            return
        try:
            await self.get(known.id)
        except errors.NotFound:
            return
        raise errors.AlreadyExists(
            f"snapshot {wanted.name} exists, of volume {known.volume_id}", error_code=Code.NAME_TAKEN
        )

    async def _find_after(self, wanted: TakeSnapshot, error: errors.DriverError) -> Snapshot:
        """The name is taken, or the answer was lost: find the snapshot, or say whose it is."""
        with not_final(f"snapshot {wanted.name} may exist"):
            found = _named(await self._of_volume(wanted.volume_id), wanted.name)
            if found is None and isinstance(error, NameTaken):
                found = _named(await self._all(fresh=True), wanted.name)
        if found is None:
            raise not_shown("snapshot", wanted.name, error) from None
        if found.volume_id != wanted.volume_id:
            raise errors.AlreadyExists(
                f"snapshot {wanted.name} exists, of volume {found.volume_id}", error_code=Code.NAME_TAKEN
            )
        call_log.tell(outcome="found")
        return self._cache.see_snapshot(found)

    async def _of_volume(self, volume_id: str) -> list[Snapshot]:
        """Return the snapshots of a volume, which may outlive it."""
        try:
            return _shown(await snapshots_of(self._cloud).volume_snapshots(volume_id))
        except Gone:
            return [each for each in await self._all(fresh=True) if each.volume_id == volume_id]

    async def _all(self, *, fresh: bool) -> list[Snapshot]:
        now = asyncio.get_running_loop().time()
        if fresh or now - self._listed_at > FRESH_SECONDS:
            found = await everything(snapshots_of(self._cloud).list_snapshots)
            self._listed, self._listed_at = _shown(found), now
        return self._listed


def _shown(found: Sequence[Snapshot]) -> list[Snapshot]:
    """Leave out the temporary snapshots of clones."""
    kept = {each.id: each for each in found if not temporary_snapshot.is_temporary(each)}  # pages may overlap
    return sorted(kept.values(), key=lambda each: (each.created_at, each.id))


def _named(snapshots: Sequence[Snapshot], name: str) -> Snapshot | None:
    return next((each for each in snapshots if each.name == name), None)
