"""Routes of droplets: list, get; and, so that tests can, create, switch off and on, delete."""

from aiohttp import web

from localcloud import api_errors
from localcloud.api import droplet_json, reading, replies, requests, writing
from localcloud.cloud import Cloud
from localcloud.droplets import Machines, Power
from localcloud.state.droplets import Droplet


class DropletRoutes:
    """Routes below /v2/droplets."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._machines = Machines(cloud)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/v2/droplets", self.list),
            web.post("/v2/droplets", self.create),
            web.get("/v2/droplets/{droplet_id}", self.get),
            web.delete("/v2/droplets/{droplet_id}", self.delete),
            web.post("/v2/droplets/{droplet_id}/actions", self.act),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Answer with a page of the droplets, of one name or tag if asked."""
        asked = reading.page(request)
        page = self._cloud.droplets.page(asked, request.query.get("name"), request.query.get("tag_name"))
        return writing.many(request, "droplets", page, asked, self._json)

    async def create(self, request: web.Request) -> web.Response:
        """Make a droplet, which is active at once."""
        sent = await reading.body(request, requests.CreateDroplet)
        droplet = await self._machines.create(sent.name, sent.region, sent.tags or ())
        return writing.one("droplet", self._json(droplet), 202)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one droplet."""
        return writing.one("droplet", self._json(self._droplet(request)))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a droplet; its volumes are detached."""
        await self._machines.delete(self._droplet(request))
        return writing.nothing()

    async def act(self, request: web.Request) -> web.Response:
        """Switch a droplet off or on."""
        droplet = self._droplet(request)
        sent = await reading.body(request, requests.DropletAction)
        kind: Power = "power_on" if sent.type == "power_on" else "power_off"
        return writing.one("action", replies.action(await self._machines.power(droplet, kind)), 201)

    def _droplet(self, request: web.Request) -> Droplet:
        droplet = self._cloud.droplets.get(reading.number_in_path(request, "droplet_id"))
        if droplet is None:
            raise api_errors.not_found()
        return droplet

    def _json(self, record: Droplet) -> droplet_json.DropletJson:
        return droplet_json.droplet(record, locked=self._cloud.actions.is_droplet_busy(record.id))
