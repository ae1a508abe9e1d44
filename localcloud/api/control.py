"""Routes below /_localcloud: what a real cloud does not tell. The droplets' own sights, and the ledger.

They need no token, and answer only on the address that the cloud listens on.
"""

from dataclasses import replace
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from localcloud import api_errors
from localcloud.api import reading, writing
from localcloud.cloud import Cloud
from localcloud.disks.base import DiskError, Trouble


class DropletSight(BaseModel, frozen=True):
    """A droplet as its own machine would see it; paths are absolute."""

    id: int
    name: str
    region: str
    status: str
    metadata_url: str
    device_dir: str | None
    volume_ids: tuple[str, ...]


class EffectJson(BaseModel, frozen=True):
    """One effect of the ledger. ``request_id`` is that of the request which asked for it."""

    seq: int
    at: float
    request_id: str
    kind: str
    subject: str
    detail: dict[str, str | int | float | None]


class RequestJson(BaseModel, frozen=True):
    """One request of the ledger. ``status`` 0: the connection was dropped without an answer."""

    seq: int
    at: float
    request_id: str
    method: str
    path: str
    query: str
    status: int
    seconds: float


class DiskState(BaseModel, frozen=True):
    """What becomes of writes to a disk, of all requests, and how fast it is (bytes a second, 0: as fast as it can)."""

    writes: Literal["fail", "work"] | None = None
    requests: Literal["hang", "work"] | None = None
    bytes_per_second: int | None = Field(default=None, ge=0)


class ControlRoutes:
    """Droplets and ledger below /_localcloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_localcloud/health", self.health),
            web.get("/_localcloud/droplets", self.droplets),
            web.post("/_localcloud/volumes/{volume_id}/disk", self.disk),
            web.get("/_localcloud/ledger/effects", self.effects),
            web.get("/_localcloud/ledger/requests", self.requests),
            web.delete("/_localcloud/ledger", self.clear),
        ]

    async def health(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler gets the request)
        """Answer that the cloud is there."""
        return web.json_response({"ok": True})

    async def droplets(self, request: web.Request) -> web.Response:
        """Answer with every droplet's metadata address and device folder."""
        sights = tuple(droplet_sights(self._cloud, str(request.url.origin())))
        return writing.plain({"droplets": sights})

    async def disk(self, request: web.Request) -> web.Response:
        """Let a volume's disk be slow, or hang, or its writes fail, or none of it any more."""
        sent = await reading.body(request, DiskState)
        volume_id = request.match_info["volume_id"]
        if self._cloud.volumes.get(volume_id) is None:
            raise api_errors.not_found()
        before = self._cloud.disk_troubles.get(volume_id, Trouble())
        try:
            after = await self._trouble(volume_id, before, sent)
        except DiskError as error:
            raise api_errors.unprocessable(f"this machine can't do that to a disk: {error}") from error
        self._cloud.disk_troubles[volume_id] = after
        self._cloud.database.tell()
        return writing.nothing()

    async def effects(self, request: web.Request) -> web.Response:
        """Answer with the effects, of one ``kind`` or ``subject``, after a ``seq``, if asked."""
        query = request.query
        found = self._cloud.ledger.effects(query.get("kind"), query.get("subject"), _after(request))
        return writing.plain({"effects": tuple(EffectJson(**vars(effect)) for effect in found)})

    async def requests(self, request: web.Request) -> web.Response:
        """Answer with the requests, of one ``method`` or ``path`` (``*`` stands for anything), after a ``seq``."""
        query = request.query
        found = self._cloud.ledger.requests(query.get("method"), query.get("path"), _after(request))
        return writing.plain({"requests": tuple(RequestJson(seq=seq, **vars(each)) for seq, each in found)})

    async def _trouble(self, volume_id: str, before: Trouble, sent: DiskState) -> Trouble:
        disks, after = self._cloud.disks, before
        if sent.writes is not None:
            after = replace(after, fails_writes=sent.writes == "fail")
            await disks.fail_writes(volume_id, fail=after.fails_writes)
        if sent.requests is not None:
            after = replace(after, hangs=sent.requests == "hang")
            await disks.hang(volume_id, hang=after.hangs)
        if sent.bytes_per_second is not None:
            after = replace(after, bytes_per_second=sent.bytes_per_second)
            await disks.set_pace(volume_id, sent.bytes_per_second)
        return after

    async def clear(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler gets the request)
        """Forget the ledger."""
        self._cloud.ledger.clear()
        return writing.nothing()


def droplet_sights(cloud: Cloud, origin: str) -> list[DropletSight]:
    """Return every droplet as its own machine would see it; ``origin`` is the cloud's address."""
    sights = []
    for droplet in cloud.droplets.all():
        folder = cloud.disks.device_folder(droplet.id)
        sights.append(
            DropletSight(
                id=droplet.id,
                name=droplet.name,
                region=droplet.region,
                status=droplet.status,
                metadata_url=f"{origin}/_localcloud/droplets/{droplet.id}/",
                device_dir=None if folder is None else str(folder),
                volume_ids=droplet.volume_ids,
            )
        )
    return sights


def _after(request: web.Request) -> int:
    return reading.number(request.query.get("after"), 0)
