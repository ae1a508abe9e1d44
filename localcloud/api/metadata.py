"""The metadata service that each droplet sees at 169.254.169.254; here below a path of the droplet's own.

Source: DigitalOcean "Metadata API" (/metadata/v1/id, /metadata/v1/region, ...: plain text, no token).
"""

from aiohttp import web

from localcloud.api import reading
from localcloud.cloud import Cloud
from localcloud.state.droplets import Droplet

PREFIX = "/_localcloud/droplets/{droplet_id}/metadata/v1"


class MetadataRoutes:
    """GET of a droplet's metadata."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get(f"{PREFIX}/{{key}}", self.get), web.get(f"{PREFIX}.json", self.all)]

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one value as text."""
        values = self._values(request)
        key = request.match_info["key"]
        if key not in values:
            raise web.HTTPNotFound
        return web.Response(text=str(values[key]))

    async def all(self, request: web.Request) -> web.Response:
        """Answer with everything as JSON."""
        values = self._values(request)
        return web.json_response({"droplet_id": values["id"], **{k: v for k, v in values.items() if k != "id"}})

    def _values(self, request: web.Request) -> dict[str, int | str]:
        droplet = self._cloud.droplets.get(reading.number_in_path(request, "droplet_id"))
        if droplet is None or droplet.status != "active":  # a machine that is off asks nothing
            raise web.HTTPNotFound
        return _told(droplet)


def _told(droplet: Droplet) -> dict[str, int | str]:
    return {"id": droplet.id, "hostname": droplet.name, "region": droplet.region}
