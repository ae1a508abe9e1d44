"""A volume stays locked as long as anything works on it."""

import asyncio
from functools import partial

import pytest

from common import deadlines, errors
from common.tasks import Tasks
from node.host.threads import Threads
from node.host.volume_locks import VolumeLocks
from tests.unit.node.host.blocked import Hung


@pytest.mark.asyncio
async def test_who_cannot_wait_longer_and_who_comes_meanwhile_hear_what_the_first_call_waits_for() -> None:
    threads, hung, tasks = Threads(4), Hung(), Tasks()
    turns = VolumeLocks(tasks)
    told = "volume: statfs has not answered yet"
    late = pytest.raises(errors.DeadlineExceeded, match=f"still at work on {told}")
    with deadlines.until(asyncio.get_running_loop().time() + 0.05), late:
        await turns.take(("volume",), partial(threads.call, hung, 60, "statfs"))
    with pytest.raises(errors.Busy, match=f"another call works on {told}"):
        await turns.take(("volume",), partial(threads.call, lambda: 5, 10, "five"))
    hung.gate.set()
    await tasks.settle(10)


@pytest.mark.asyncio
async def test_a_volume_stays_locked_until_what_hangs_is_back() -> None:
    threads, hung, tasks = Threads(4), Hung(), Tasks()
    turns = VolumeLocks(tasks)
    with deadlines.until(asyncio.get_running_loop().time() + 60), pytest.raises(errors.OutcomeUnknown):
        await turns.take(("volume",), partial(threads.call, hung, 0.05, "open"))
    with pytest.raises(errors.Busy, match="works on volume: it has ended, but something that it began hangs"):
        await turns.take(("volume",), partial(threads.call, lambda: 5, 10, "five"))
    assert await turns.take(("other",), partial(threads.call, lambda: 5, 10, "five")) == 5
    hung.gate.set()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await turns.take(("volume",), partial(threads.call, lambda: 5, 10, "five")) == 5
            except errors.Busy:
                await asyncio.sleep(0)  # noqa: TID251  # lets the event loop see the thread's end
            else:
                break
    await tasks.close()


@pytest.mark.asyncio
async def test_work_goes_on_past_its_callers_deadline_and_keeps_the_lock() -> None:
    tasks = Tasks()
    turns, gate, done = VolumeLocks(tasks), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    with deadlines.until(asyncio.get_running_loop().time() + 0.05), pytest.raises(errors.DeadlineExceeded):
        await turns.take(("volume",), work)
    with pytest.raises(errors.Busy):
        await turns.take(("volume",), work)
    gate.set()
    await tasks.settle(10)
    assert done.is_set()
    await turns.take(("volume",), work)
