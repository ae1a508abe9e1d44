"""What the node itself costs: stage, publish, unpublish, unstage of a 10 GiB ext4 volume on a loop device. Needs root.

Against: csi-digitalocean 4.16, which starts 13 programs for a fresh volume (52 ms, mkfs alone 18 of them) and 12 for a
known one. ``python -m benchmarks.node_cycle [--cycles N] [--at-once N]``. Prints, for each kind of cycle (median and
worst): the programs started; the wall time; the part of it outside of programs, which is ours and the kernel's; the
processor time of this process; and for how long at most the event loop was not free.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from common import logs, settings
from common.tasks import Tasks
from node import wiring
from node.host.command import Commands, watch_children_without_threads
from node.host.volume_locks import VolumeLocks
from node.records.requests import Filesystem, Publish, Stage, VolumePath, VolumeSpec
from node.service import NodeDomains
from node.settings import NodeSettings
from tests.harness import traces
from tests.harness.machine import missing_for_disks
from tests.integration.node.disks import GIB, Disk, Disks, disks

SIZE_BYTES = 10 * GIB
TICK_SECONDS = 0.005


@dataclass
class Programs:
    """The programs that were run, and how long."""

    runs: list[tuple[str, float]] = field(default_factory=list)

    def observe(self, program: str, seconds: float, status: int) -> None:  # noqa: ARG002  # an Observer
        """Count one."""
        self.runs.append((program, seconds))


@dataclass(frozen=True)
class Cycle:
    """One cycle's figures, milliseconds but for the programs."""

    programs: tuple[str, ...]
    wall: float
    outside: float  # of programs
    processor: float
    blocked: float  # the longest time in which the event loop did nothing else

    @classmethod
    async def measure(cls, programs: Programs, work: Callable[[], Awaitable[None]]) -> "Cycle":
        """Run ``work`` and return what it cost."""
        programs.runs.clear()
        wall, processor = time.perf_counter(), time.process_time()
        async with _ticking() as gaps:
            await work()
        spent = time.perf_counter() - wall
        inside = sum(seconds for _, seconds in programs.runs)
        names = tuple(name for name, _ in programs.runs)
        figures = (spent, spent - inside, time.process_time() - processor, max(gaps))
        return cls(names, *(1000 * figure for figure in figures))


@asynccontextmanager
async def _ticking() -> AsyncIterator[list[float]]:
    """Collect how late each tick of the event loop was, seconds."""
    loop, gaps = asyncio.get_running_loop(), [0.0]
    stopped = asyncio.Event()

    def tick(due: float) -> None:
        gaps.append(loop.time() - due)
        if not stopped.is_set():
            after = loop.time() + TICK_SECONDS
            loop.call_at(after, tick, after)

    tick(loop.time())
    try:
        yield gaps
    finally:
        stopped.set()


async def cycle(parts: NodeDomains, folder: Path, disk: Disk) -> None:
    """Stage, publish, unpublish, unstage."""
    volume, wanted = VolumeSpec(disk.id, disk.name, SIZE_BYTES), Filesystem("ext4")
    staging_path, target = str(folder / disk.id / "globalmount"), str(folder / disk.id / "mount")
    await parts.staging.stage(Stage(volume, staging_path, wanted, read_only=False))
    await parts.publishing.publish(Publish(volume, staging_path, target, wanted, read_only=False, alone=False))
    await parts.publishing.unpublish(VolumePath(disk.id, target))
    await parts.unstaging.unstage(VolumePath(disk.id, staging_path))


def report(name: str, cycles: list[Cycle]) -> None:
    """Print the figures of one kind of cycle."""
    started = max(cycles, key=lambda each: len(each.programs)).programs
    print(f"{name}: {len(started)} programs ({' '.join(started)})")
    for what, figures in (
        ("wall", [each.wall for each in cycles]),
        ("outside", [each.outside for each in cycles]),
        ("processor", [each.processor for each in cycles]),
        ("blocked", [each.blocked for each in cycles]),
    ):
        print(f"  {what:<9} median {statistics.median(figures):7.1f} ms   worst {max(figures):7.1f} ms")


async def measure(made: Disks, cycles: int, at_once: int) -> None:
    """Run the cycles one after the other, then many volumes at once."""
    programs, tasks = Programs(), Tasks()
    variables = {"AIOCSI_DEVICE_DIR": str(made.devices), "AIOCSI_STATE_DIR": str(made.folder / "state")}
    chosen = settings.read(NodeSettings, [], "node_cycle", "", variables)
    host = wiring.make_host(chosen, Commands(programs.observe))
    run = partial(cycle, wiring.make_parts(chosen, host, VolumeLocks(tasks)), made.folder)
    volumes = [made.blank(SIZE_BYTES) for _ in range(cycles)]
    await run(made.blank(SIZE_BYTES))  # warm
    for name in ("fresh", "known"):
        report(name, [await Cycle.measure(programs, partial(run, disk)) for disk in volumes])
    many = [made.blank(SIZE_BYTES) for _ in range(at_once)]

    async def all_at_once() -> None:
        await asyncio.gather(*(run(disk) for disk in many))

    together = await Cycle.measure(programs, all_at_once)
    print(f"{at_once} fresh volumes at once: {together.wall:.0f} ms, {together.wall / at_once:.1f} ms a volume")
    print(f"  programs took {sum(seconds for _, seconds in programs.runs):.2f} s in all, side by side")
    print(f"  processor {together.processor:.0f} ms, event loop blocked for {together.blocked:.1f} ms at most")


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 measured, 1 the machine lacks something."""
    parser = argparse.ArgumentParser(prog="node_cycle", description=__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=50)
    options = parser.parse_args(argv)
    logs.configure("console", "error")
    watch_children_without_threads()
    with tempfile.TemporaryDirectory(prefix="node-cycle-") as name:
        folder = Path(name).resolve()
        if missing := missing_for_disks(folder):
            print(missing)
            return 1
        try:
            with disks(folder / "disks") as made:
                asyncio.run(measure(made, options.cycles, options.at_once))
        finally:
            traces.clean(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
