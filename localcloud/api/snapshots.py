"""Routes of snapshots: those of a volume, those of the account; by both paths."""

from aiohttp import web

from localcloud import api_errors
from localcloud.api import reading, replies, requests, writing
from localcloud.cloud import Cloud
from localcloud.snapshots import Snapshotting
from localcloud.state.paging import Page
from localcloud.state.snapshots import Snapshot
from localcloud.state.volumes import Volume


class SnapshotRoutes:
    """Routes below /v2/snapshots, /v2/volumes/snapshots and /v2/volumes/{id}/snapshots."""

    def __init__(self, cloud: Cloud, snapshotting: Snapshotting) -> None:
        self._cloud = cloud
        self._snapshotting = snapshotting

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/v2/snapshots", self.list),
            web.get("/v2/snapshots/{snapshot_id}", self.get),
            web.delete("/v2/snapshots/{snapshot_id}", self.delete),
            web.get("/v2/volumes/snapshots/{snapshot_id}", self.get),
            web.delete("/v2/volumes/snapshots/{snapshot_id}", self.delete),
            web.get("/v2/volumes/{volume_id}/snapshots", self.list_of_volume),
            web.post("/v2/volumes/{volume_id}/snapshots", self.create),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Answer with a page of all snapshots; all are of volumes."""
        asked = reading.page(request)
        if request.query.get("resource_type", "volume") == "volume":
            page = self._cloud.snapshots.page(asked)
        else:
            page = Page((), 0)
        return writing.many(request, "snapshots", page, asked, replies.snapshot)

    async def list_of_volume(self, request: web.Request) -> web.Response:
        """Answer with a page of a volume's snapshots."""
        asked = reading.page(request)
        page = self._cloud.snapshots.page(asked, self._volume(request).id)
        return writing.many(request, "snapshots", page, asked, replies.snapshot)

    async def create(self, request: web.Request) -> web.Response:
        """Make a snapshot of a volume."""
        sent = await reading.body(request, requests.CreateSnapshot)
        made = await self._snapshotting.create(self._volume(request), sent.name, sent.tags or ())
        return writing.one("snapshot", replies.snapshot(made), 201)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one snapshot."""
        return writing.one("snapshot", replies.snapshot(self._snapshot(request)))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a snapshot."""
        await self._snapshotting.delete(self._snapshot(request))
        return writing.nothing()

    def _snapshot(self, request: web.Request) -> Snapshot:
        snapshot = self._cloud.snapshots.get(request.match_info["snapshot_id"])
        if snapshot is None:
            raise api_errors.not_found()
        return snapshot

    def _volume(self, request: web.Request) -> Volume:
        volume = self._cloud.volumes.get(request.match_info["volume_id"])
        if volume is None:
            raise api_errors.not_found()
        return volume
