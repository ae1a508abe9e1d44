"""Runs one plan to its end: the workload and its faults, quiet, everything deleted; and says what was wrong."""

import asyncio
import contextlib
import gc
import random
import sys
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field

import structlog

from controller.clone_sweep import LEFTOVER_SECONDS
from tests.faults import invariants
from tests.faults.chaos import Chaos
from tests.faults.cluster.sidecars import RECONCILE_SECONDS
from tests.faults.plan import FAULTS_END, SETTLE_SECONDS, STEPS_END, Plan
from tests.faults.sim.drivers import CLONE_SWEEP, TOKEN_CHECK
from tests.faults.sim.loop import Loop, Stuck, sleep
from tests.faults.sim.trace import Broken
from tests.faults.world import World

LOOK_SECONDS = 5.0
SWEEPS = 3  # an hour apart: the second one that sees a temporary snapshot deletes it
LAST_LOOKS = 4


@dataclass(frozen=True)
class Result:
    """How a run ended: what was broken (nothing if all was well), what was counted, and the trace if it was kept."""

    seed: int
    broken: str
    counts: Counter[str]
    trace: tuple[str, ...] = field(default=(), repr=False)
    virtual_seconds: float = 0.0


def run(plan: Plan, *, keep_trace: bool = False) -> Result:
    """Run a plan. The same plan gives the same result, to the last step."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    random.seed(plan.seed)
    loop = Loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # what nobody awaits died with its process
    asyncio.set_event_loop(loop)
    gc.disable()  # what died with its process must not run on as garbage
    worlds: list[World] = []
    try:
        return loop.run_until_complete(_run(plan, worlds, keep_trace=keep_trace))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        hook, sys.unraisablehook = sys.unraisablehook, lambda _unraisable: None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            worlds.clear()
            gc.collect()
        sys.unraisablehook = hook
        gc.enable()


async def _run(plan: Plan, worlds: list[World], *, keep_trace: bool) -> Result:
    world = World(plan, keep_trace=keep_trace)
    worlds.append(world)
    play = asyncio.get_running_loop().create_task(_play(world))
    broken = ""
    try:
        ends: set[asyncio.Future[None] | asyncio.Future[str]] = {play, world.verdict}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if world.verdict.done():
            world.verdict.result()
        else:
            play.result()
    except (Broken, Stuck) as error:
        broken = str(error)
    except Exception as error:  # noqa: BLE001  # a run that ends in an error has found something, too
        broken = f"{type(error).__name__}: {error}"
        if keep_trace:
            world.trace.lines.append("".join(_traceback(error)))
    with contextlib.suppress(BaseException):
        play.cancel()
    counts = world.trace.counts
    counts["runs"] += 1
    counts["virtual seconds"] += int(world.now())
    return Result(plan.seed, broken, counts, tuple(world.trace.lines), world.now())


def _traceback(error: BaseException) -> list[str]:
    return traceback.format_exception(error)


async def _play(world: World) -> None:
    await world.start()
    world.begin(Chaos(world).act())
    await world.users.act(world.plan.steps)
    last = max([world.now(), *(fault.at for fault in world.plan.faults)])
    await sleep(max(0.0, min(last, max(FAULTS_END, STEPS_END)) - world.now()))
    world.injector.over = True
    await _settle(world, "after the faults")
    world.users.delete_all()
    await _settle(world, "after everything was deleted")
    world.users.delete_all()
    await _settle(world, "after everything was deleted")
    await sleep(130.0)
    await _settle(world, "at the end")
    for _ in range(SWEEPS):
        if invariants.waits_for_a_sweep(world) or _sweeps(world):
            await sleep(LEFTOVER_SECONDS + 2 * RECONCILE_SECONDS)
    for _ in range(LAST_LOOKS):
        if not _leftovers(world):
            return
        await sleep(LOOK_SECONDS)  # a call that comes by itself may be under way
    left = _leftovers(world)
    raise Broken(f"left over: {'; '.join(left)}")


async def _settle(world: World, when: str) -> None:
    """Wait until all is as its users want it. Raises Broken if that takes too long."""
    end = world.now() + SETTLE_SECONDS
    while left := list(invariants.unsettled(world)):
        if world.now() > end:
            raise Broken(f"not settled {when}: {'; '.join(left)}")
        await sleep(LOOK_SECONDS)
    world.checks.acknowledged()


def _sweeps(world: World) -> bool:
    """Say whether a controller was asked for a clone that never came to be: it looks for its snapshot an hour later."""
    return any(CLONE_SWEEP in work for served, _ in world.controllers.values() for work in served.process.unfinished())


def _leftovers(world: World) -> list[str]:
    left = list(invariants.leftovers(world))
    for served, parts in world.controllers.values():
        if len(parts.locks):
            left.append(f"{served.process.name} holds {len(parts.locks)} locks")
        working = (work for work in served.process.unfinished() if TOKEN_CHECK not in work)
        left += [f"{served.process.name} has {work}" for work in working]
    for host in world.hosts.values():
        if host.serving is not None:
            left += [f"{host.serving.process.name} has {work}" for work in host.serving.process.unfinished()]
    return left
