"""Plays the steps: each between two looks at what happened, timed, shown, and with its failure told in full."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from tools.csi.client import Client
from tools.processes import traces
from tools.services.stack import Stack, running
from tools.walkthrough.display import LANE, Display, Done
from tools.walkthrough.evidence import Happened, Moment
from tools.walkthrough.steps import STEPS
from tools.walkthrough.story import Story, Unexpected

STEP_COUNT = len(STEPS) + 2  # and the start and the end of the services
ACTION_SECONDS = "0.3"  # that the cloud takes for each attach and detach
START = "start the services"


class StepFailed(Exception):
    """A step failed: which, and why."""

    def __init__(self, number: int, title: str, cause: BaseException) -> None:
        super().__init__(f"step {number} failed: {title}\n{type(cause).__name__}: {cause}")


class Play:
    """One performance in ``folder``."""

    def __init__(self, folder: Path, display: Display) -> None:
        self._folder = folder
        self._display = display
        self._done: list[Done] = []
        self.names: dict[str, str] = {}  # of the volumes, by id

    @property
    def done(self) -> tuple[Done, ...]:
        """The steps that are over."""
        return tuple(self._done)

    async def whole(self) -> None:
        """Play everything, from the start of the services to their end. Raises StepFailed."""
        async with AsyncExitStack() as services:
            self._display.say(LANE.format("One ext4 and one raw volume", "cloud", "node A", "node B"))
            story = await self._start(services)
            self._display.say(f"   The cloud's page, live: {story.stack.cloud.url}")
            for step in STEPS:
                await self._step(step.title, partial(step.act, story), await Moment.now(story.stack), step.mark)
            self.names = {volume.volume.volume_id: volume.name for volume in story.volumes}
            await self._step("stop the services", partial(self._stop, services), mark="✓")
        seconds = sum(done.seconds for done in self._done)
        self._display.say(f"All {len(self._done)} steps went as they must, in {seconds:.1f} s.")

    async def _start(self, services: AsyncExitStack) -> Story:
        stories = []

        async def act() -> list[str]:
            stack = await services.enter_async_context(
                running(self._folder, cloud_arguments=("--action-latency", ACTION_SECONDS))
            )
            stories.append(await _story(stack, services))
            return [f"{each.name}: process {each.pid}, {_rss_mib(each.pid):.1f} MiB" for each in stack.programs]

        await self._step(START, act)
        return stories[0]

    async def _step(
        self, title: str, act: Callable[[], Awaitable[list[str]]], before: Moment | None = None, mark: str = ""
    ) -> None:
        number, started = len(self._done) + 1, _now()
        self._display.begin(number, title)
        try:
            seen = await act()
        except Exception as error:
            raise StepFailed(number, title, error) from error
        seconds = _now() - started
        happened = Happened() if before is None else await before.until_now()
        self._done.append(Done(str(self._folder), title, seconds, happened, tuple(seen), mark))
        self._display.end(number, self._done[-1])

    async def _stop(self, services: AsyncExitStack) -> list[str]:
        await services.aclose()
        if left := [*traces.find(self._folder, children=True).lines(), *map(str, traces.socket_files(self._folder))]:
            raise Unexpected("left behind: " + "; ".join(left))
        return ["no mount, no loop device, no process, no socket is left"]


async def _story(stack: Stack, ending: AsyncExitStack) -> Story:
    controller = await ending.enter_async_context(Client(stack.controller.socket))
    clients = {node.name: await ending.enter_async_context(Client(node.socket)) for node in stack.nodes}
    return Story(stack, controller, clients)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)
