"""Snapshots of DigitalOcean Volumes behind the SnapshotCloud protocol."""

from collections.abc import Sequence

from controller.cloud import cloud_errors, records
from controller.cloud.paging import everything
from controller.codes import Code
from controller.digitalocean import list_pages, models, objects
from controller.digitalocean.api_request import PAGE_BYTES, SHORT_LIST_BYTES, ApiRequest, Value
from controller.digitalocean.deletion import delete
from controller.digitalocean.http import Http
from controller.digitalocean.ids import path
from controller.digitalocean.meanings import refusals
from controller.digitalocean.objects import demand
from controller.pacing.lanes import Lane


class DigitalOceanSnapshots:
    """See base.SnapshotCloud for what each method promises."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def create_snapshot(self, volume_id: str, name: str, labels: Sequence[str]) -> records.Snapshot:
        """POST /v2/volumes/{id}/snapshots (volumeSnapshots_create)."""
        body: dict[str, Value] = {"name": name, "tags": list(labels)}
        where = path("volumes", volume_id, "snapshots")
        call = ApiRequest("POST", where, Lane.CHANGE, volume_id, json=body, success=201)
        with refusals(conflict=cloud_errors.NameTaken, too_soon=cloud_errors.SnapshotLimit):
            made = (await self._http.read(call, models.OneSnapshot)).snapshot
        demand(call, name=(name, made.name), resource_id=(volume_id, made.resource_id))
        demand(call, resource_type=("volume", made.resource_type))
        return objects.snapshot(made)

    async def delete_snapshot(self, snapshot_id: str) -> None:
        """DELETE /v2/snapshots/{id} (snapshots_delete)."""
        if snapshot_id.isdecimal():
            await self.get_snapshot(snapshot_id)  # raises Gone for one of a droplet, which the same operation deletes
        await delete(self._http, path("snapshots", snapshot_id), snapshot_id)

    async def get_snapshot(self, snapshot_id: str) -> records.Snapshot:
        """GET /v2/snapshots/{id} (snapshots_get). A number is the id that a snapshot of a droplet has."""
        model: type[models.OneDropletSnapshot | models.OneSnapshot]
        model = models.OneDropletSnapshot if snapshot_id.isdecimal() else models.OneSnapshot
        call = ApiRequest("GET", path("snapshots", snapshot_id), Lane.READ, snapshot_id)
        with refusals():
            found = (await self._http.read(call, model)).snapshot
        demand(call, id=(snapshot_id, found.id))
        if isinstance(found, models.DropletSnapshotJson) or found.resource_type != "volume":
            raise cloud_errors.Gone(f"snapshot {snapshot_id} is not of a volume", error_code=Code.SNAPSHOT_GONE)
        return objects.snapshot(found)

    async def volume_snapshots(self, volume_id: str) -> tuple[records.Snapshot, ...]:
        """GET /v2/volumes/{id}/snapshots (volumeSnapshots_list)."""
        where = path("volumes", volume_id, "snapshots")

        async def read(page: int) -> records.Page[records.Snapshot]:
            query = list_pages.query(page)
            call = ApiRequest("GET", where, Lane.READ, volume_id, query=query, longest=SHORT_LIST_BYTES)
            with refusals():
                found = await self._http.read(call, models.SnapshotsJson)
            for each in filter(None, found.snapshots):
                demand(call, resource_id=(volume_id, each.resource_id))
            return list_pages.page_of(call, found, found.snapshots, objects.snapshot)

        return tuple(await everything(read))

    async def list_snapshots(self, page: int) -> records.Page[records.Snapshot]:
        """GET /v2/snapshots?resource_type=volume (snapshots_list)."""
        query = {"resource_type": "volume", **list_pages.query(page)}
        call = ApiRequest("GET", "/v2/snapshots", Lane.LIST, query=query, longest=PAGE_BYTES)
        with refusals():
            found = await self._http.read(call, models.SnapshotsJson)
        return list_pages.page_of(
            call, found, found.snapshots, objects.snapshot, lambda each: each.resource_type == "volume"
        )
