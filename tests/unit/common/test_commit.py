"""Work past its commit point finishes; background loops end with the process, or end it."""

import asyncio

import pytest

from common.commit import Commits
from tests.fakes.services import Gate
from tests.unit.common.captured import captured


@pytest.mark.asyncio
async def test_committed_work_returns_its_result() -> None:
    async def work() -> int:
        return 5

    assert await Commits().finish(work()) == 5


@pytest.mark.asyncio
async def test_committed_work_raises_its_error() -> None:
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Commits().finish(work())


@pytest.mark.asyncio
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_caller_that_is_cancelled_however_often_loses_no_work(times: int) -> None:
    commits, gate, done = Commits(), Gate(), asyncio.Event()

    async def work() -> None:
        await gate()
        done.set()

    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(commits.finish(work()))
        await gate.until(1)
        for _ in range(times):
            caller.cancel()
    assert caller.cancelled()
    gate.open()
    assert (await commits.settle(10), done.is_set()) == (0, True)


@pytest.mark.asyncio
async def test_settling_tells_how_much_is_left_after_the_grace() -> None:
    commits, gate = Commits(), Gate()
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(commits.finish(gate())) for _ in range(3)]
        await gate.until(3)
        assert await commits.settle(0.01) == 3
        gate.open()
    assert all(call.done() for call in calls)


@pytest.mark.asyncio
async def test_work_that_committed_work_starts_is_awaited_too() -> None:
    commits, gate, done = Commits(), Gate(), asyncio.Event()

    async def second() -> None:
        await asyncio.sleep(0.01)  # noqa: TID251  # it is still under way when the first has ended
        done.set()

    async def first() -> None:
        await gate()
        commits.background(commits.finish(second()), "starts the second")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commits.finish(first()))
        await gate.until(1)
        settled = tasks.create_task(commits.settle(10))
        await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: it waits for the first
        gate.open()
    assert (settled.result(), done.is_set()) == (0, True)
    await commits.close()


@pytest.mark.asyncio
async def test_committed_work_that_fails_after_its_caller_is_gone_is_told() -> None:
    commits, gate = Commits(), Gate()

    async def work() -> None:
        await gate()
        raise KeyError("lost")

    with captured() as log:
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(commits.finish(work()))
            await gate.until(1)
            caller.cancel()
        gate.open()
        await commits.settle(10)
    assert "lost" in log.text


@pytest.mark.asyncio
async def test_closing_ends_background_loops_and_waits_for_them() -> None:
    commits, gate = Commits(), Gate()
    commits.background(gate(), "loop")
    await gate.until(1)
    await commits.close()
    assert (gate.cancelled, commits.failure) == (1, None)


@pytest.mark.asyncio
async def test_vital_work_that_fails_raises_the_alarm() -> None:
    commits, alarm = Commits(), asyncio.Event()
    commits.watch(alarm.set)

    async def broken() -> None:
        raise KeyError("broken")

    with captured() as log:
        commits.vital(broken(), "feed")
        async with asyncio.timeout(30):
            await alarm.wait()
    assert isinstance(commits.failure, KeyError)
    assert log.lines("background_failed")[0]["task"] == "feed"


@pytest.mark.asyncio
async def test_other_background_work_that_fails_is_told_and_ends_nothing() -> None:
    commits, alarm = Commits(), asyncio.Event()
    commits.watch(alarm.set)

    async def broken() -> None:
        raise KeyError("broken")

    with captured() as log:
        await asyncio.wait([commits.background(broken(), "poll")])
        await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: the task's callbacks run
    assert (commits.failure, alarm.is_set()) == (None, False)
    assert log.lines("background_failed")[0]["task"] == "poll"


@pytest.mark.asyncio
async def test_vital_work_that_failed_before_anybody_watched_raises_the_alarm_at_once() -> None:
    commits, alarm = Commits(), asyncio.Event()

    async def broken() -> None:
        raise KeyError("broken")

    await asyncio.wait([commits.vital(broken(), "feed")])
    await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: the task's callbacks run
    commits.watch(alarm.set)
    assert alarm.is_set()
