"""kill -9 of the node process at every point of every call, then the call again: it ends right, and nothing is lost.

The points are found by tracing the call once (see ``killpoints``), and a moment after each program or mount was begun.
"""

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import betterproto2
import pytest
from grpclib.exceptions import GRPCError, StreamTerminatedError

from common import errors
from common.tasks import Tasks
from node.host.command import Commands
from node.records.state import Intent, Published, Staged
from node.requests import Requests
from node.service import Node
from tests.harness.forks import Fork, Template
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import GIB, Disks, disks
from tests.integration.node.killpoints import DOES_MORE
from tools.csi.client import ROUTES, Client
from tools.processes import traces
from tools.processes.run import run
from tools.services.stack import DRIVER_NAME, Service

REPEAT_SECONDS = 30.0
AT_ONCE = 3  # lives; most of one is waiting for processes


@dataclass(frozen=True)
class Case:
    """A call, and what comes before it. No kind: a raw block volume."""

    kind: str
    call: str
    before: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.call}-{self.kind or 'block'}{'-known' if self.before[-1:] == ('unstage',) else ''}" + (
            "-larger" if "enlarge" in self.before else ""
        )


KNOWN = ("stage", "write", "unstage")
CASES = [
    Case("ext4", "stage"),
    Case("xfs", "stage"),
    Case("btrfs", "stage"),
    Case("ext4", "stage", KNOWN),
    Case("ext4", "stage", (*KNOWN, "enlarge")),
    Case("xfs", "stage", (*KNOWN, "enlarge")),
    Case("ext4", "publish", ("stage", "write")),
    Case("ext4", "unpublish", ("stage", "write", "publish")),
    Case("ext4", "unstage", ("stage", "write")),
    Case("xfs", "expand", ("stage", "write", "publish", "enlarge")),
    Case("", "stage"),
    Case("", "publish", ("stage", "write")),
    Case("", "unpublish", ("stage", "write", "publish")),
    Case("", "unstage", ("stage", "write")),
    Case("btrfs", "expand", ("stage", "write", "publish", "enlarge")),
    Case("", "expand", ("stage", "write", "publish", "enlarge")),
    Case("ext4", "stats", ("stage", "write", "publish")),
    Case("ext4", "health", ("stage", "write", "publish")),
]


class Life:
    """One volume's life on a node that may be killed in one call of it."""

    def __init__(self, case: Case, made: Disks) -> None:
        self.case = case
        self.disks = made
        self.disk = made.blank()
        self.commits = Tasks()
        self.commands = Commands()
        self.grows = True
        self.bench: Bench = make_bench(made.folder, made, self.commits)

    async def take(self, step: str) -> None:
        """Take a step with a node that has just started. Raises errors.DriverError."""
        self.bench = make_bench(self.disks.folder, self.disks, self.commits, self.commands)
        if step == "write":
            self.data.write_bytes(b"data") if self.case.kind else _overwrite(self.disk.loop)
        elif step == "enlarge":
            os.truncate(self.disk.file, 2 * GIB)
            run("losetup", "--set-capacity", self.disk.loop)
        else:
            request = self.request(step)
            servicer = Node(Requests(DRIVER_NAME), self.bench.parts)
            await servicer.__mapping__()[ROUTES[type(request)].path].func(_Stream(request))

    async def repeat(self) -> None:
        """Call until it succeeds, as a sidecar would; a program of the life before may still run."""
        async with asyncio.timeout(REPEAT_SECONDS):
            while True:
                try:
                    await self.take(self.case.call)
                except errors.NotFinal:
                    await asyncio.sleep(0.05)  # noqa: TID251  # the sidecar's back-off
                else:
                    return

    async def finish(self) -> None:
        """Live on to the end, and look that nothing is lost and nothing is left."""
        if self.case.call not in {"unpublish", "unstage"}:
            for step in ("stage", "publish"):
                await self.take(step)
        self.check_data()
        for step in ("unpublish", "unstage"):
            await self.take(step)
        assert traces.mounts(self.disks.folder) == ()
        state = make_bench(self.disks.folder, self.disks, self.commits).host.state
        assert (state.all(Intent), state.all(Staged), state.all(Published)) == ((), (), ())

    def check_data(self) -> None:
        """What was written is there, and the file system is as large as its device."""
        if "write" not in self.case.before:
            return
        if not self.case.kind:
            assert _start(self.disk.loop) == b"data"
        elif self.data.parent.is_mount():
            assert self.data.read_bytes() == b"data"
            usage = os.statvfs(self.data.parent)
            assert usage.f_blocks * usage.f_frsize > (1.5 * GIB if self.grows and "enlarge" in self.case.before else 0)

    @property
    def data(self) -> Path:
        """The file that the volume holds."""
        return Path(self.bench.staging_path(self.disk)) / "file"

    def request(self, call: str) -> betterproto2.Message:
        """The message for ``call``."""
        asked = self.bench.asked(self.disk, self.case.kind)
        messages: dict[str, Callable[[], betterproto2.Message]] = {
            "stage": asked.stage,
            "publish": asked.publish,
            "unpublish": asked.unpublish,
            "unstage": asked.unstage,
            "expand": asked.expand,
            "stats": asked.stats,
            "health": asked.health,
        }
        return messages[call]()


class _Stream:
    """What a servicer's route needs of a stream: one message in, one out."""

    def __init__(self, request: betterproto2.Message) -> None:
        self._request = request

    async def recv_message(self) -> betterproto2.Message:
        return self._request

    async def send_message(self, reply: betterproto2.Message) -> None:
        assert reply is not None


def _start(device: str) -> bytes:
    with Path(device).open("rb") as file:
        return file.read(4)


def _overwrite(device: str) -> None:
    with Path(device).open("r+b") as file:
        file.write(b"data")


class Doomed(Service):
    """A node service that is killed at a point."""

    def __init__(self, template: Template, folder: Path, settings: Mapping[str, str]) -> None:
        super().__init__("node", "node", folder, settings)
        self._template = template

    def _spawn(self) -> Fork:
        return self._template.fork({**self.environment, "LOG": str(self.log)})


@pytest.fixture(scope="module")
def template(disk_folder: Path) -> Iterator[Template]:
    """One for all cases."""
    made = Template("tests.integration.node.killpoints", disk_folder)
    yield made
    made.close()


async def call_and_kill(template: Template, life: Life, at: str) -> list[str]:
    """Make the call to a node that kills itself at a point, and see it end; return the points that it came by."""
    folder = life.disks.folder / f"process-{uuid.uuid4().hex[:8]}"
    points = folder / "points"
    settings = {
        "AIOCSI_DEVICE_DIR": str(life.disks.devices),
        "AIOCSI_STATE_DIR": str(life.disks.folder / "state"),
        "AIOCSI_KUBELET_DIR": str(life.disks.folder),
        "KILL_AT": at,
        "KILL_LOG": str(points),
    }
    service = Doomed(template, folder, settings)
    with ExitStack() as ending:
        ending.callback(service.kill)
        await service.up()
        async with Client(service.socket) as client:
            request = life.request(life.case.call)
            with suppress(GRPCError, StreamTerminatedError, ConnectionError, OSError):
                await client.call(request, ROUTES[type(request)].reply)
        seen = points.read_text().splitlines()
        if at == "0":
            await service.down()
        elif at in {point.split()[0] for point in seen}:  # a moment after a point, all may be over
            await service.ended(REPEAT_SECONDS)  # nor is each come by: a program unmounts only what was busy
        return seen


async def live(template: Template, case: Case, folder: Path, at: str) -> list[str]:
    """Live one life, killed at one point; return the points of the call."""
    with disks(folder / f"killed-{uuid.uuid4().hex[:8]}") as made:
        life = Life(case, made)
        try:
            for step in case.before:
                await life.take(step)
            points = await call_and_kill(template, life, at)
            await life.repeat()
            await life.finish()
        finally:
            await life.bench.undo()
        return points


@pytest.mark.asyncio
@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_call_that_was_killed_anywhere_ends_right_when_it_is_repeated(
    template: Template, case: Case, disk_folder: Path
) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def kill(at: str) -> None:
        async with places:
            await live(template, case, disk_folder, at)

    points = await live(template, case, disk_folder, "0")
    assert points or case.call == "stats"  # which changes nothing, and starts no program
    async with asyncio.TaskGroup() as group:
        for point in points:
            number, _, event = point.split()[:3]
            group.create_task(kill(number))
            if event in DOES_MORE:
                group.create_task(kill(f"{number}+"))
