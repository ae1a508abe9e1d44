"""What the node itself costs: stage, publish, unpublish, unstage of a 10 GiB ext4 volume on a loop device. Needs root.

Against: csi-digitalocean 4.16, which starts 13 programs for a fresh volume (52 ms, mkfs alone 18 of them) and 12 for a
known one. ``python -m benchmarks.node_cycle [--cycles N] [--at-once N] [--mounts N,N]``. Prints, for each kind of cycle
(median and worst): the programs started; the wall time; the part of it outside of programs, which is ours and the
kernel's; the processor time of this process; and for how long at most the event loop was not free. Then, with so many
other mounts on the node, each call, also of a raw block volume, and the ratio of a known cycle to what it takes by
hand: blkid, e2fsck, mount, a bind mount and two times umount, started one after the other.
"""

import argparse
import asyncio
import ctypes
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from common import logs, settings
from common.tasks import Tasks
from node import wiring
from node.formats import filesystem_argv
from node.host.command import Commands
from node.host.volume_locks import VolumeLocks
from node.records.requests import Filesystem, Publish, Stage, VolumePath, VolumeSpec
from node.service import NodeDomains
from node.settings import NodeSettings
from tests.integration.node.disks import GIB, Disk, Disks, disks
from tools.processes import traces
from tools.processes.run import ToolFailed
from tools.processes.run import run as run_program
from tools.services.machine import missing_for_disks

SIZE_BYTES = 10 * GIB
CLONE_NEWNS, MS_REC_PRIVATE, MNT_DETACH = 0x20000, 0x44000, 2
LIBC = ctypes.CDLL(None, use_errno=True)
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


Steps = dict[str, Callable[[], Awaitable[object]]]


async def steps(parts: NodeDomains, folder: Path, disk: Disk, wanted: Filesystem | None, prefix: str = "") -> Steps:
    """Return the calls of a volume's life on a node, in their order."""
    volume = VolumeSpec(disk.id, disk.name, SIZE_BYTES, raw=wanted is None)
    staging_path, target = (folder / disk.id / name for name in ("globalmount", "mount"))
    stage = Stage(volume, str(staging_path), wanted, read_only=False)
    publish = Publish(volume, str(staging_path), str(target), wanted, read_only=False, alone=False)
    calls: Steps = {
        "stage": partial(parts.staging.stage, stage),
        "publish": partial(parts.publishing.publish, publish),
        "stats": partial(parts.stats.usage, VolumePath(disk.id, str(target))),
        "unpublish": partial(parts.publishing.unpublish, VolumePath(disk.id, str(target))),
        "unstage": partial(parts.unstaging.unstage, VolumePath(disk.id, str(staging_path))),
    }
    return {f"{prefix}{name}": call for name, call in calls.items()}


def bare(folder: Path, disk: Disk, *, fresh: bool = False) -> None:
    """Run the programs that a known or a fresh cycle takes by hand, and nothing else."""
    node, staging_path, target = str(disk.node), folder / disk.id / "globalmount", folder / disk.id / "mount"
    for path in (staging_path, target):
        path.mkdir(parents=True, exist_ok=True)
    made = Filesystem("ext4")
    content = filesystem_argv.mkfs(made, node, lazy=True) if fresh else filesystem_argv.check(made.kind, node)
    with suppress(ToolFailed):  # 2 for a blank disk
        run_program("blkid", "-p", "-o", "export", node)
    for argv in (
        content,
        ("mount", "-i", "-t", "ext4", node, str(staging_path)),
        ("mount", "-i", "-o", "bind", str(staging_path), str(target)),
        ("umount", "-i", str(target)),
        ("umount", "-i", str(staging_path)),
    ):
        run_program(*argv)


def timed(work: Callable[[], None]) -> float:
    """Return how long ``work`` took, milliseconds."""
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


async def with_mounts(parts: NodeDomains, made: Disks, cycles: int, count: int) -> dict[str, float]:
    """Print, and return, the medians of each call with ``count`` other mounts on the node, milliseconds."""
    crowd = made.folder / f"crowd-{count}"
    crowd.mkdir()
    run_program("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(crowd))
    for number in range(count - 1):
        (crowd / f"{number}").mkdir()
        _mount_tmpfs(crowd / f"{number}")
    disk, spent, alone = made.blank(SIZE_BYTES), dict[str, list[float]](), list[float]()
    calls = await steps(parts, made.folder, disk, Filesystem("ext4"))
    calls |= await steps(parts, made.folder, made.blank(SIZE_BYTES), None, "raw ")
    for _ in range(cycles + 1):  # the first one formats
        for name, call in calls.items():
            begun = time.perf_counter()
            await call()
            spent.setdefault(name, []).append(1000 * (time.perf_counter() - begun))
        alone.append(timed(partial(bare, made.folder, disk)))
    medians = {name: statistics.median(figures[1:]) for name, figures in spent.items()}
    whole = sum(medians[name] for name in ("stage", "publish", "unpublish", "unstage"))
    programs = statistics.median(alone[1:])
    print(f"{count} mounts: " + "  ".join(f"{name} {figure:.1f}" for name, figure in medians.items()), "ms")
    print(f"  known cycle {whole:.1f} ms, its bare programs {programs:.1f} ms: {whole / programs:.2f} x")
    LIBC.umount2(bytes(crowd), MNT_DETACH)
    return medians


def _mount_tmpfs(path: Path) -> None:
    if LIBC.mount(b"none", bytes(path), b"tmpfs", 0, b"size=4k") != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount {path}")


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


async def measure(made: Disks, cycles: int, at_once: int, mounts: Sequence[int]) -> None:
    """Run the cycles one after the other, then many volumes at once."""
    programs, tasks = Programs(), Tasks()
    variables = {
        "AIOCSI_DEVICE_DIR": str(made.devices),
        "AIOCSI_STATE_DIR": str(made.folder / "state"),
        "AIOCSI_KUBELET_DIR": str(made.folder),
    }
    chosen = settings.read(NodeSettings, [], "node_cycle", "", variables)
    host = wiring.make_host(chosen, Commands(programs.observe))
    parts = wiring.make_parts(chosen, host, VolumeLocks(tasks))
    run = partial(cycle, parts, made.folder)
    volumes = [made.blank(SIZE_BYTES) for _ in range(cycles)]
    await run(made.blank(SIZE_BYTES))  # warm
    for name in ("fresh", "known"):
        cycles_of = [await Cycle.measure(programs, partial(run, disk)) for disk in volumes]
        report(name, cycles_of)
        others = volumes if name == "known" else [made.blank(SIZE_BYTES) for _ in range(cycles)]
        alone = statistics.median(timed(partial(bare, made.folder, disk, fresh=name == "fresh")) for disk in others)
        print(f"  bare programs {alone:.1f} ms: {statistics.median(each.wall for each in cycles_of) / alone:.2f} x")
    medians = [await with_mounts(parts, made, cycles, count) for count in mounts]
    for name in medians[0]:
        print(f"  {name}: {medians[-1][name] / medians[0][name]:.2f} x with {mounts[-1]} mounts")
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
    parser.add_argument("--mounts", type=lambda text: [int(each) for each in text.split(",")], default=[50, 5000])
    options = parser.parse_args(argv)
    logs.configure("console", "error")
    if LIBC.unshare(CLONE_NEWNS) != 0 or LIBC.mount(b"none", b"/", None, MS_REC_PRIVATE, None) != 0:
        print("needs a mount namespace of its own: run it as root")
        return 1
    with tempfile.TemporaryDirectory(prefix="node-cycle-") as name:
        folder = Path(name).resolve()
        if missing := missing_for_disks(folder):
            print(missing)
            return 1
        try:
            with disks(folder / "disks") as made:
                asyncio.run(measure(made, options.cycles, options.at_once, options.mounts))
        finally:
            traces.clean(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
