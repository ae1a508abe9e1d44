"""The simulation: a seed replays, a dead process does nothing more, a failing plan is cut and kept whole."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import pytest

from tests.faults import kept
from tests.faults.plan import draw
from tests.faults.run import run
from tests.faults.shrink import shrink
from tests.faults.sim.loop import Loop, Process, Stuck, sleep

Result = TypeVar("Result")


def play(work: Coroutine[object, object, Result]) -> Result:
    """Run on a virtual clock."""
    loop = Loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def test_the_same_plan_runs_the_same_to_the_last_step() -> None:
    first, second = (run(draw(5), keep_trace=True) for _ in range(2))

    assert first.trace == second.trace
    assert len(first.trace) > 50


def test_a_process_that_died_takes_no_further_step_not_even_a_finally() -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            for second in range(5):
                await sleep(1)
                done.append(f"step {second}")
        finally:
            done.append("cleaned up")

    async def main() -> None:
        process = Process("a driver")
        process.start(work())
        process.die_in(5)  # its start, and for each second a timer and what follows
        await sleep(10)

    play(main())

    assert done == ["step 0", "step 1"]


def test_time_goes_on_only_when_nothing_is_left_to_do() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times = [loop.time()]
        await asyncio.gather(sleep(300), sleep(7))
        return [*times, loop.time()]

    assert play(main()) == pytest.approx([0.0, 300.0])


def test_waiting_for_what_never_comes_ends_the_run() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        play(main())


def test_a_failing_plan_is_cut_to_what_makes_it_fail() -> None:
    plan = draw(3)
    culprits = {plan.steps[0], plan.faults[-1]}

    enough = shrink(plan, lambda part: culprits <= {*part.steps, *part.faults})

    assert enough == frozenset({0, plan.parts - 1})


def test_a_plan_that_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text(json.dumps(asdict(draw(11))))

    assert kept.read(path) == draw(11)
