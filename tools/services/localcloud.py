"""An embedded cloud for tests: in this process, or as a process of its own that can be killed."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import aiohttp
from pydantic import BaseModel, TypeAdapter

from localcloud import settings as options
from localcloud.lifecycle import running
from tools.processes.program import Program

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40  # a limit, not an expectation: the machine may be busy with something else

UNLIMITED = ("--rate-hour=0", "--rate-minute=0")

Json = TypeAdapter(dict[str, object])


class Sight(BaseModel, frozen=True):
    """A droplet as the ready line tells it."""

    id: int
    name: str
    region: str
    metadata_url: str
    device_dir: Path | None


class Ready(BaseModel, frozen=True):
    """The ready line."""

    address: str
    token: str
    state: Path
    droplets: tuple[Sight, ...]


@dataclass(frozen=True)
class Reply:
    """An answer of the API."""

    status: int
    body: dict[str, object]
    headers: Mapping[str, str] = field(repr=False)

    def part(self, name: str) -> dict[str, object]:
        """Return an object of the body."""
        return Json.validate_python(self.body[name])

    def parts(self, name: str) -> list[dict[str, object]]:
        """Return a list of objects of the body."""
        return TypeAdapter(list[dict[str, object]]).validate_python(self.body[name])


class Api:
    """A plain client of the API, which knows nothing and checks nothing."""

    def __init__(self, session: aiohttp.ClientSession, address: str, token: str) -> None:
        self.session = session
        self.address = address
        self.token = token

    async def ask(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Reply:
        """Send one request; ``path`` begins with a slash."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        url = self.address.rstrip("/") + path
        async with self.session.request(method, url, json=body, headers=headers) as reply:
            text = await reply.read()
            is_json = text and reply.content_type == "application/json"
            return Reply(reply.status, Json.validate_json(text) if is_json else {}, reply.headers)

    async def create(self, name: str, size_gib: int = 1, **more: object) -> str:
        """Make a volume in nyc1; return its id."""
        reply = await self.ask(
            "POST", "/v2/volumes", {"name": name, "size_gigabytes": size_gib, "region": "nyc1"} | more
        )
        assert reply.status == 201, reply
        return str(reply.part("volume")["id"])

    async def act(self, volume_id: str, kind: str, **more: object) -> dict[str, object]:
        """Start an action and wait for its end; return it."""
        reply = await self.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": kind, **more})
        assert reply.status == 202, reply
        return await self.ended(reply.part("action")["id"])

    async def ended(self, action_id: object) -> dict[str, object]:
        """Wait for the end of an action; return it."""
        async with asyncio.timeout(30):
            while True:
                action = (await self.ask("GET", f"/v2/actions/{action_id}")).part("action")
                if action["status"] != "in-progress":
                    return action
                await asyncio.sleep(0.01)

    async def all(self, name: str) -> list[dict[str, object]]:
        """Return a whole list, such as ``volumes``, page by page."""
        found: list[dict[str, object]] = []
        page = 1
        while True:
            reply = await self.ask("GET", f"/v2/{name}?per_page=200&page={page}")
            found += reply.parts(name)
            if len(found) >= int(str(reply.part("meta")["total"])):
                return found
            page += 1

    async def volume(self, volume_id: str) -> dict[str, object]:
        """Return a volume that is there."""
        return (await self.ask("GET", f"/v2/volumes/{volume_id}")).part("volume")


@asynccontextmanager
async def here(state: Path, *options_: str) -> AsyncIterator[Api]:
    """Run a cloud without disks in this process, without limits and latency if ``options_`` set none."""
    words = ["--listen=127.0.0.1:0", f"--state={state}", "--disks=none", "--action-latency=0", *UNLIMITED, *options_]
    async with running(options.read(words, {})) as cloud, aiohttp.ClientSession() as session:
        yield Api(session, cloud.address, cloud.token)


class Process(Program):
    """A cloud in a process of its own. Leaving the block ends it with SIGTERM, if it still runs."""

    def __init__(self, state: Path, *options_: str) -> None:
        words = [f"--state={state}", "--listen=127.0.0.1:0", "--token=test", *UNLIMITED, *options_]
        argv = [sys.executable, "-m", "localcloud", *words]
        super().__init__("localcloud", argv, os.environ, state.with_name(f"{state.name}.log"), ROOT)
        self.state = state

    def __enter__(self) -> Self:
        since = self.log_size
        self.start()
        self.ready = self.wait_for(lambda: _ready(self.output(since)), "ready line", START_SECONDS)
        return self

    def kill_after(self, seconds: float) -> None:
        """End it as a crash would, after that time, seconds. Blocks."""
        time.sleep(seconds)
        self.kill()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.running:
            self.end()


def _ready(output: str) -> Ready | None:
    lines = (line for line in output.splitlines(keepends=True) if line.startswith("{") and line.endswith("\n"))
    line = next(lines, None)
    return None if line is None else Ready.model_validate_json(line)


@asynccontextmanager
async def client(process: Process) -> AsyncIterator[Api]:
    """Return a client of a cloud that runs in a process of its own."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, process.ready.address, process.ready.token)


def sync(file: IO[bytes]) -> None:
    """Wait until what was written to a file or device is with its disk."""
    os.fsync(file.fileno())
