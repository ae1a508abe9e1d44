"""Deletes temporary snapshots that no process remembers: the one that took them for a clone has died.

Only what is proven to be this cluster's is deleted: the name and the label of a temporary snapshot, and the labels of
the cluster, which no other cluster may have. Without such labels nothing is proven, and nothing is looked for. How old
a snapshot is, no clock tells: one that was there an hour ago, and is not wanted by a clone, is a leftover.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from common import deadlines, errors
from common.tasks import Tasks
from controller.clone_sweep import LEFTOVER_SECONDS, SWEEP_SECONDS
from controller.cloud.base import Cloud, SnapshotCloud
from controller.cloud.cloud_errors import Gone
from controller.cloud.paging import everything
from controller.cloud.records import Snapshot
from controller.rules import labels, temporary_snapshot

log = structlog.get_logger("leftover_sweep")


class LeftoverSweep:
    """``of_cluster``: the labels of this cluster's snapshots. ``is_wanted`` says whether a clone needs that name."""

    def __init__(self, cloud: Cloud, tasks: Tasks, of_cluster: Sequence[str], is_wanted: Callable[[str], bool]) -> None:
        self._cloud = cloud
        self._tasks = tasks
        self._of_cluster = of_cluster
        self._is_wanted = is_wanted
        self._seen: frozenset[str] = frozenset()
        self._looked_at = float("-inf")

    def awake(self) -> None:
        """Look, if the last time is an hour ago. Called with each list of volumes, so the leader of a cluster looks."""
        now = asyncio.get_running_loop().time()
        if self._of_cluster and self._cloud.snapshots is not None and now - self._looked_at >= LEFTOVER_SECONDS:
            self._looked_at = now
            self._tasks.background(self._look(self._cloud.snapshots), "sweep of leftovers")

    async def _look(self, snapshots: SnapshotCloud) -> None:
        try:
            with deadlines.until(asyncio.get_running_loop().time() + SWEEP_SECONDS):
                found = await everything(snapshots.list_snapshots)
        except errors.DriverError as error:
            log.warning("leftovers_not_looked_for", **errors.fields(error))
            return
        ours = {each.id: each for each in found if self._is_ours(each)}
        for snapshot_id in ours.keys() & self._seen:
            await self._delete(snapshots, ours[snapshot_id])
        self._seen = frozenset(ours)

    def _is_ours(self, snapshot: Snapshot) -> bool:
        of_cluster = not labels.missing(self._of_cluster, snapshot.labels)
        return of_cluster and temporary_snapshot.is_temporary(snapshot) and not self._is_wanted(snapshot.name)

    async def _delete(self, snapshots: SnapshotCloud, snapshot: Snapshot) -> None:
        try:
            with deadlines.until(asyncio.get_running_loop().time() + SWEEP_SECONDS), suppress(Gone):
                await self._tasks.finish(snapshots.delete_snapshot(snapshot.id))
        except errors.DriverError as error:
            log.warning("leftover_snapshot_stays", snapshot_id=snapshot.id, **errors.fields(error))
        else:
            log.info("leftover_snapshot_deleted", snapshot_id=snapshot.id, volume_id=snapshot.volume_id)
