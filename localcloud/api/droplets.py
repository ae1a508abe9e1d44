"""Routes of droplets: list and get."""

from aiohttp import web

from localcloud import problems
from localcloud.api import droplet_json, reading, writing
from localcloud.cloud import Cloud
from localcloud.state.droplets import Droplet


class DropletRoutes:
    """Routes below /v2/droplets."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/v2/droplets", self.list),
            web.get("/v2/droplets/{droplet_id}", self.get),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Answer with a page of the droplets, of one name or tag if asked."""
        asked = reading.page(request)
        page = self._cloud.droplets.page(asked, request.query.get("name"), request.query.get("tag_name"))
        return writing.many(request, "droplets", page, asked, self._json)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one droplet."""
        droplet = self._cloud.droplets.get(reading.number_in_path(request, "droplet_id"))
        if droplet is None:
            raise problems.not_found()
        return writing.one("droplet", self._json(droplet))

    def _json(self, record: Droplet) -> droplet_json.DropletJson:
        return droplet_json.droplet(record, locked=self._cloud.actions.is_droplet_busy(record.id))
