"""Routes of the page: its files, the events that keep it live, and what it needs to act.

The page changes the cloud through the API, as any client does: with the token, at the price of requests.
Source: HTML Living Standard "Server-sent events".
"""

import asyncio
from importlib import resources

from aiohttp import web
from pydantic import BaseModel

from localcloud import api_errors
from localcloud.api import writing
from localcloud.cloud import Cloud
from localcloud.disks.loop import NODE_PREFIX
from localcloud.page.overview import Views

LEAST_SECONDS = 0.2  # between two events, however much changes
MOST_SECONDS = 2.0  # between two events, though nothing changes: the budget grows back
FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "api.js": "text/javascript",
    "elements.js": "text/javascript",
    "droplets.js": "text/javascript",
    "timeline.js": "text/javascript",
    "faults.js": "text/javascript",
    "volume.js": "text/javascript",
}
POLICY = "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Connection(BaseModel, frozen=True):
    """What a client needs: the address of the API, its token, and the folder of the state."""

    url: str
    token: str
    state: str


class VolumeSight(BaseModel, frozen=True):
    """A volume on this machine: its device, and the room that it takes. None: there is none."""

    device: str | None
    used_bytes: int | None


class PageRoutes:
    """The page, and its events."""

    def __init__(self, cloud: Cloud, views: Views, token: str) -> None:
        self._cloud = cloud
        self._token = token
        self._views = views
        self._closing = False
        self._changed: set[asyncio.Event] = set()
        cloud.database.on_change.append(self._tell)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self.index),
            web.get("/_localcloud/page/{name}", self.file),
            web.get("/_localcloud/events", self.events),
            web.get("/_localcloud/connection", self.connection),
            web.get("/_localcloud/volumes/{volume_id}", self.volume),
        ]

    async def index(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler gets the request)
        """Answer with the page."""
        return _file("index.html", "text/html")

    async def file(self, request: web.Request) -> web.Response:
        """Answer with a file of the page."""
        if (name := request.match_info["name"]) not in FILES:
            raise api_errors.not_found()
        return _file(name, FILES[name])

    async def connection(self, request: web.Request) -> web.Response:
        """Answer with what a client of the API needs."""
        state = str(self._cloud.settings.state.resolve())
        return writing.plain(Connection(url=str(request.url.origin()), token=self._token, state=state))

    async def volume(self, request: web.Request) -> web.Response:
        """Answer with what this machine has of a volume."""
        volume = self._cloud.volumes.get(request.match_info["volume_id"])
        if volume is None:
            raise api_errors.not_found()
        disk = self._cloud.disk(volume)
        folder = None if disk.droplet_id is None else self._cloud.disks.device_folder(disk.droplet_id)
        device = None if folder is None else str(folder / f"{NODE_PREFIX}{volume.name}")
        used_bytes = await asyncio.to_thread(self._cloud.disks.used_bytes, volume.id)
        return writing.plain(VolumeSight(device=device, used_bytes=used_bytes))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Send the overview at once and at each change, until the client goes or the cloud ends."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        changed = asyncio.Event()
        self._changed.add(changed)
        seen = 0
        try:
            while not self._closing:
                changed.clear()
                overview = self._views.overview(seen)
                seen = max((seen, *(entry.seq for entry in overview.timeline)))
                await response.write(f"data: {overview.model_dump_json()}\n\n".encode())
                await self._wait(changed)
        except ConnectionError:  # the client is gone
            pass
        finally:
            self._changed.discard(changed)
        return response

    async def close(self, app: web.Application) -> None:  # noqa: ARG002 (as aiohttp calls it)
        """End all events, so that the server can."""
        self._closing = True
        self._tell()

    async def _wait(self, changed: asyncio.Event) -> None:
        clock = self._cloud.clock
        await clock.sleep_until(clock.now() + LEAST_SECONDS)
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await changed.wait()
        except TimeoutError:
            pass

    def _tell(self) -> None:
        for changed in self._changed:
            changed.set()


def _file(name: str, kind: str) -> web.Response:
    text = resources.files("localcloud.page").joinpath(name).read_text(encoding="utf-8")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return web.Response(text=text, content_type=kind, headers=headers)
