"""Routes of the page: its three files, and the events that keep it live.

Source: HTML Living Standard "Server-sent events".
"""

import asyncio
from importlib import resources

from aiohttp import web

from localcloud.cloud import Cloud
from localcloud.page.overview import Views

LEAST_SECONDS = 0.2  # between two events, however much changes
MOST_SECONDS = 2.0  # between two events, though nothing changes: the budget grows back
FILES = {
    "/": ("index.html", "text/html"),
    "/_localcloud/page.js": ("page.js", "text/javascript"),
    "/_localcloud/page.css": ("page.css", "text/css"),
}
POLICY = "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class PageRoutes:
    """The page, and its events."""

    def __init__(self, cloud: Cloud, views: Views) -> None:
        self._cloud = cloud
        self._views = views
        self._closing = False
        self._changed: set[asyncio.Event] = set()
        cloud.database.on_change.append(self._tell)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [*(web.get(path, self.file) for path in FILES), web.get("/_localcloud/events", self.events)]

    async def file(self, request: web.Request) -> web.Response:
        """Answer with a file of the page."""
        name, kind = FILES[request.path]
        text = resources.files("localcloud.page").joinpath(name).read_text(encoding="utf-8")
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return web.Response(text=text, content_type=kind, headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Send the overview at once and at each change, until the client goes or the cloud ends."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            while not self._closing:
                changed.clear()
                await response.write(f"data: {self._views.overview().model_dump_json()}\n\n".encode())
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
