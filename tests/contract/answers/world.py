"""A small true cloud, what lies before it, and a controller that has just started."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import cast

import aiohttp

from common import deadlines, errors
from common.clouds import CLOUDS, DEFAULT
from common.tasks import Tasks
from controller import wiring
from controller.digitalocean.client import DigitalOcean
from controller.digitalocean.http import Http
from controller.digitalocean.limits import TRAITS
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget
from controller.records import ControllerScope
from controller.service import Controller
from controller.shared import make_shared
from tests.contract.answers.answers import Foreign, Genuine
from tests.fakes.wire import Content, Reply, Untold, said
from tests.faults.cloud.api import Api
from tests.faults.cloud.records import REGION, Volume
from tests.faults.cloud.state import CloudState
from tests.faults.sim.loop import Loop, sleep
from tests.faults.sim.trace import Trace

DRIVER = "dobs.csi.digitalocean.com"
TOKEN = "dop_v1_matrix"  # noqa: S105 (no real token)
ACTION_SECONDS = 2.0
CALL_SECONDS = 60.0


class Strikes(Enum):
    """Which requests get the foreign answer, and whether the cloud has carried them out."""

    CHANGES_NOT_DONE = "changes, not done"
    CHANGES_DONE = "changes, done"
    LOOKS = "looks"
    EVERYTHING = "everything, not done"


CHANGES, LOOKS = frozenset({"POST", "DELETE"}), frozenset({"GET"})
METHODS = {
    Strikes.CHANGES_NOT_DONE: CHANGES,
    Strikes.CHANGES_DONE: CHANGES,
    Strikes.LOOKS: LOOKS,
    Strikes.EVERYTHING: CHANGES | LOOKS,
}


@dataclass(frozen=True)
class Ended:
    """How a call ended: ``code`` is a gRPC status, ``reply`` the message of a success."""

    code: str
    text: str = ""
    reply: object = None

    @property
    def final(self) -> bool:
        """Whether the sidecars take it for the last word."""
        return self.code not in {"OK", "UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "CANCELLED"}


class World:
    """One run. ``foreign`` strikes as ``strikes`` says, until ``lift`` is called; None: nothing does."""

    def __init__(self, foreign: Foreign | None, strikes: Strikes) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.trace = Trace(loop.time, keep=False)
        self.chance = random.Random(1)  # noqa: S311  # replays
        self.cloud = CloudState(self, 2)
        self.bodies: list[Content] = []
        volumes, snapshots = self.cloud.volumes, self.cloud.snapshots
        self._api = Api(self.cloud, lambda: list(volumes.values()), lambda: list(snapshots.values()))
        self._foreign = foreign
        self._strikes = strikes
        self._begun: list[asyncio.Task[None]] = []
        self._tasks = Tasks()
        self.service = self._controller()

    def strike(self, foreign: Foreign, strikes: Strikes) -> None:
        """Let ``foreign`` strike from now on."""
        self._foreign, self._strikes = foreign, strikes

    def lift(self) -> None:
        """Let the cloud answer for itself from now on."""
        self._foreign = None

    async def call(self, work: Coroutine[object, object, object], seconds: float = CALL_SECONDS) -> Ended:
        """Make a call, as it is served, which ends after so many seconds."""
        try:
            with deadlines.until(self.now() + seconds):
                async with asyncio.timeout(seconds + 1):
                    return Ended("OK", reply=await work)
        except errors.DriverError as error:
            return Ended(error.status.name, str(error))
        except TimeoutError:
            return Ended("DEADLINE_EXCEEDED", "late")

    async def close(self) -> None:
        """Let what was begun end."""
        await self._tasks.settle(300)
        await self._tasks.close()
        await asyncio.gather(*self._begun)

    def fingerprint(self) -> object:
        """Return all that a change would leave behind."""
        volumes = {
            each.id: (each.name, each.size_gib, each.droplet_id, tuple(each.tags))
            for each in self.cloud.volumes.values()
        }
        return volumes, tuple(self.cloud.snapshots), len(self.cloud.actions)

    def request(self, method: str, url: str, **options: object) -> AbstractAsyncContextManager[Reply]:
        """Stand in for aiohttp's session."""
        return self._request(method, url, **options)

    @asynccontextmanager
    async def _request(self, method: str, url: str, **options: object) -> AsyncIterator[Reply]:
        assert options["allow_redirects"] is False
        path = url.removeprefix("http://cloud")
        query, body = (cast("Mapping[str, object]", options[name] or {}) for name in ("params", "json"))
        await sleep(0.05)
        reply = await self._answer(method, path, query, body)
        if isinstance(reply, aiohttp.ClientError):
            raise reply
        self.bodies.append(reply.content)
        yield reply

    async def _answer(
        self, method: str, path: str, query: Mapping[str, object], body: Mapping[str, object]
    ) -> Reply | aiohttp.ClientError:
        foreign = self._foreign
        if foreign is None or method not in METHODS[self._strikes]:
            return said(*self._api.answer(method, path, query, body))
        genuine: Genuine = (_documented(method, path), _example(path))
        if self._strikes is Strikes.CHANGES_DONE:
            done = self._api.answer(method, path, query, body)
            genuine = done if done[0] < 400 else genuine
        await sleep(foreign.seconds)
        return foreign.make(*genuine)

    def _controller(self) -> Controller:
        access = TokenState(self.now)
        access.prove(TOKEN, "simulated")
        budget = Budget(10_000, self.wall)
        http = Http("http://cloud/", Token(TOKEN), budget, access, Untold())
        http.open(cast("aiohttp.ClientSession", self))
        identity = ControllerScope(DRIVER, REGION, CLOUDS[DEFAULT], TRAITS, ("k8s:matrix",))
        parts = make_shared(DigitalOcean(http), self._tasks, budget)
        return Controller(identity, wiring.make_domains(parts, identity, 250, wall=self.wall))

    def wall(self) -> float:
        """Return the cloud's clock."""
        return 1_767_225_600.0 + self.now()

    def plug(self, droplet_id: int, volume: Volume) -> None:
        """Nobody looks at the disks here."""

    def unplug(self, droplet_id: int, volume_id: str) -> None:
        """Nobody looks at the disks here."""

    def resized(self, droplet_id: int, volume_id: str) -> None:
        """Nobody looks at the disks here."""

    def deleted(self, volume: Volume) -> None:
        """Nobody looks at the disks here."""

    def detached(self, volume: Volume, droplet_id: int) -> None:
        """Nobody looks at the disks here."""

    def action_fate(self, kind: str) -> tuple[float, str]:
        """Every action ends well."""
        assert kind
        return ACTION_SECONDS, "completed"

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Run what the cloud does by itself."""
        self._begun.append(asyncio.get_running_loop().create_task(work))


def virtual(work: Coroutine[object, object, object]) -> None:
    """Run the work in a loop of its own in which waiting takes no time."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work)


def _documented(method: str, path: str) -> int:
    """Return the status of success that the API documents."""
    if method == "GET":
        return 200
    if method == "DELETE" or path.endswith("/resources"):
        return 204
    return 202 if path.endswith("/actions") else 201


def _example(path: str) -> dict[str, object]:
    """Return an object of the kind that the path is about, for an answer to what was not carried out."""
    moment = "2026-01-01T00:00:00Z"
    known: dict[str, object] = {"name": "a", "region": {"slug": REGION}, "created_at": moment, "tags": []}
    if "/actions" in path:
        return {"action": {"id": 7, "status": "completed", "type": "resize_volume", "resource_id": 101}}
    if "/snapshots" in path:
        more = {"id": "x", "resource_id": "x", "resource_type": "volume", "min_disk_size": 1, "regions": [REGION]}
        return {"snapshot": {**known, **more}}
    return {"volume": {**known, "id": "x", "size_gigabytes": 1, "droplet_ids": [101]}}
