"""Routes of volumes: list, create, get, delete; by id and by name."""

from dataclasses import replace

from aiohttp import web

from localcloud import api_errors
from localcloud.api import reading, replies, requests, writing
from localcloud.cloud import Cloud
from localcloud.state.volumes import Volume
from localcloud.volumes import Provisioning, Wanted


class VolumeRoutes:
    """GET, POST and DELETE below /v2/volumes."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._provisioning = Provisioning(cloud)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/v2/volumes", self.list),
            web.post("/v2/volumes", self.create),
            web.delete("/v2/volumes", self.delete_by_name),
            web.get("/v2/volumes/{volume_id}", self.get),
            web.delete("/v2/volumes/{volume_id}", self.delete),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Answer with a page of the volumes, of one name or region if asked."""
        asked = reading.page(request)
        page = self._cloud.volumes.page(asked, request.query.get("name"), request.query.get("region"))
        return writing.many(request, "volumes", page, asked, self._json)

    async def create(self, request: web.Request) -> web.Response:
        """Make a volume."""
        sent = await reading.body(request, requests.CreateVolume)
        wanted = Wanted(
            name=sent.name,
            size_gib=sent.size_gigabytes,
            region=sent.region or None,
            description=sent.description,
            filesystem_type=sent.filesystem_type,
            filesystem_label=sent.filesystem_label,
            snapshot_id=sent.snapshot_id or None,
            tags=sent.tags or (),
        )
        return writing.one("volume", self._json(await self._provisioning.create(wanted)), 201)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one volume."""
        return writing.one("volume", self._json(self._volume(request)))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a volume by its id."""
        await self._provisioning.delete(self._volume(request))
        return writing.nothing()

    async def delete_by_name(self, request: web.Request) -> web.Response:
        """Delete a volume by its name and region."""
        name, region = request.query.get("name"), request.query.get("region")
        if not name or not region:
            raise api_errors.unprocessable("name and region are required")
        await self._provisioning.delete(self._cloud.volumes.find(name, region))
        return writing.nothing()

    def _json(self, volume: Volume) -> replies.VolumeJson:
        action = self._cloud.actions.of_volume_under_way(volume.id) if self._cloud.settings.early_attachments else None
        if action is not None and action.kind == "attach_volume":
            volume = replace(volume, droplet_id=action.droplet_id)
        elif action is not None and action.kind == "detach_volume":
            volume = replace(volume, droplet_id=None)
        return replies.volume(volume)

    def _volume(self, request: web.Request) -> Volume:
        volume = self._cloud.volumes.get(request.match_info["volume_id"])
        if volume is None:
            raise api_errors.not_found()
        return volume
