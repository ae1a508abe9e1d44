"""Blocking calls: what hangs costs one place, and its volume stays locked."""

import asyncio
import threading
from functools import partial

import pytest

from common import deadlines, errors
from common.tasks import Tasks
from node.host.threads import Threads
from node.host.volume_locks import VolumeLocks


class Hung:
    """A call into the kernel that does not come back until it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def __call__(self) -> str:
        self.gate.wait(30)
        return "back"


def fail() -> None:
    raise OSError("I/O error")


@pytest.mark.asyncio
async def test_a_call_returns_what_its_work_returns_or_raises() -> None:
    threads = Threads(1)
    assert await threads.call(lambda: 5, 10, "five") == 5
    with pytest.raises(OSError, match="I/O error"):
        await threads.call(fail, 10, "failure")
    assert await threads.call(lambda: 6, 10, "six") == 6


@pytest.mark.asyncio
async def test_a_call_that_hangs_is_given_up_and_keeps_its_place_until_it_is_back() -> None:
    threads, hung = Threads(1), Hung()
    with pytest.raises(errors.OutcomeUnknown, match="statfs did not answer within"):
        await threads.call(hung, 0.05, "statfs")
    assert threads.hung == 1
    with pytest.raises(errors.Unavailable, match=r"too many calls .* hang \(1\)"):
        await threads.call(lambda: 5, 0.05, "five")
    hung.gate.set()
    assert await threads.call(lambda: 5, 10, "five") == 5
    assert threads.hung == 0


@pytest.mark.asyncio
async def test_other_calls_go_on_beside_one_that_hangs() -> None:
    threads, hung = Threads(2), Hung()
    waiting = Tasks().background(threads.call(hung, 30, "statfs"), "waiting")
    assert [await threads.call(lambda: 5, 10, "five") for _ in range(10)] == [5] * 10
    hung.gate.set()
    assert await waiting == "back"


@pytest.mark.asyncio
async def test_a_volume_stays_locked_until_what_hangs_is_back() -> None:
    threads, hung, tasks = Threads(4), Hung(), Tasks()
    turns = VolumeLocks(tasks)
    with pytest.raises(errors.OutcomeUnknown):
        await turns.take(("volume",), partial(threads.call, hung, 0.05, "open"))
    with pytest.raises(errors.Busy):
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
