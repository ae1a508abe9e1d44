"""Work past its commit point finishes; background loops end with the process, or end it."""

import asyncio

import pytest

from common.tasks import Tasks, is_abandoned
from tests.fakes.services import Gate
from tests.unit.common.captured import captured


@pytest.mark.asyncio
async def test_committed_work_returns_its_result() -> None:
    async def work() -> int:
        return 5

    assert await Tasks().finish(work()) == 5


@pytest.mark.asyncio
async def test_committed_work_raises_its_error() -> None:
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Tasks().finish(work())


@pytest.mark.asyncio
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_caller_that_is_cancelled_however_often_loses_no_work(times: int) -> None:
    tasks, gate, done = Tasks(), Gate(), asyncio.Event()

    async def work() -> None:
        await gate()
        done.set()

    async with asyncio.TaskGroup() as group:
        caller = group.create_task(tasks.finish(work()))
        await gate.until(1)
        for _ in range(times):
            caller.cancel()
    assert caller.cancelled()
    gate.open()
    assert (await tasks.settle(10), done.is_set()) == (0, True)


@pytest.mark.asyncio
async def test_settling_tells_how_much_is_left_after_the_grace() -> None:
    tasks, gate = Tasks(), Gate()
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(tasks.finish(gate())) for _ in range(3)]
        await gate.until(3)
        assert await tasks.settle(0.01) == 3
        gate.open()
    assert all(call.done() for call in calls)


@pytest.mark.asyncio
async def test_work_that_committed_work_starts_is_awaited_too() -> None:
    tasks, gate, done = Tasks(), Gate(), asyncio.Event()

    async def second() -> None:
        await asyncio.sleep(0.01)  # noqa: TID251  # it is still under way when the first has ended
        done.set()

    async def first() -> None:
        await gate()
        tasks.background(tasks.finish(second()), "starts the second")

    async with asyncio.TaskGroup() as group:
        group.create_task(tasks.finish(first()))
        await gate.until(1)
        settled = group.create_task(tasks.settle(10))
        await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: it waits for the first
        gate.open()
    assert (settled.result(), done.is_set()) == (0, True)
    await tasks.close()


@pytest.mark.asyncio
async def test_committed_work_that_fails_after_its_caller_is_gone_is_told() -> None:
    tasks, gate = Tasks(), Gate()

    async def work() -> None:
        await gate()
        raise KeyError("lost")

    with captured() as log:
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(tasks.finish(work()))
            await gate.until(1)
            caller.cancel()
        gate.open()
        await tasks.settle(10)
    assert "lost" in log.text


@pytest.mark.asyncio
async def test_closing_ends_background_loops_and_waits_for_them() -> None:
    tasks, gate = Tasks(), Gate()
    tasks.background(gate(), "loop")
    await gate.until(1)
    await tasks.close()
    assert (gate.cancelled, tasks.failure) == (1, None)


@pytest.mark.asyncio
async def test_vital_work_that_fails_raises_the_alarm() -> None:
    tasks, alarm = Tasks(), asyncio.Event()
    tasks.watch(alarm.set)

    async def broken() -> None:
        raise KeyError("broken")

    with captured() as log:
        tasks.vital(broken(), "feed")
        async with asyncio.timeout(30):
            await alarm.wait()
    assert isinstance(tasks.failure, KeyError)
    assert log.lines("background_failed")[0]["task"] == "feed"


@pytest.mark.asyncio
async def test_other_background_work_that_fails_is_told_and_ends_nothing() -> None:
    tasks, alarm = Tasks(), asyncio.Event()
    tasks.watch(alarm.set)

    async def broken() -> None:
        raise KeyError("broken")

    with captured() as log:
        await asyncio.wait([tasks.background(broken(), "poll")])
        await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: the task's callbacks run
    assert (tasks.failure, alarm.is_set()) == (None, False)
    assert log.lines("background_failed")[0]["task"] == "poll"


@pytest.mark.asyncio
async def test_vital_work_that_failed_before_anybody_watched_raises_the_alarm_at_once() -> None:
    tasks, alarm = Tasks(), asyncio.Event()

    async def broken() -> None:
        raise KeyError("broken")

    await asyncio.wait([tasks.vital(broken(), "feed")])
    await asyncio.sleep(0)  # noqa: TID251  # one turn of the loop: the task's callbacks run
    tasks.watch(alarm.set)
    assert alarm.is_set()


@pytest.mark.asyncio
async def test_committed_work_learns_that_its_caller_has_gone_and_other_work_does_not() -> None:
    tasks, gate, seen = Tasks(), Gate(), []

    async def work() -> None:
        seen.append(is_abandoned())
        await gate()
        seen.append(is_abandoned())

    async with asyncio.TaskGroup() as group:
        gone, stays = (group.create_task(tasks.finish(work())) for _ in range(2))
        await gate.until(2)
        gone.cancel()
        gate.open()
        await stays
    assert await tasks.settle(10) == 0
    assert sorted(seen) == [False, False, False, True]
    assert not is_abandoned()
