"""Blocking calls: what hangs costs one place, and its volume stays locked."""

import asyncio

import pytest

from common import errors
from common.tasks import Tasks
from node.host.threads import Threads
from tests.unit.node.host.blocked import Hung


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
async def test_calls_that_take_turns_all_get_an_answer_of_their_own() -> None:
    threads, served = Threads(8), iter(range(100))
    answers = await asyncio.gather(*(threads.in_turn("path", lambda: next(served), 10, "statfs") for _ in range(20)))
    assert sorted(answers) == list(range(20))


@pytest.mark.asyncio
async def test_a_call_in_turn_waits_behind_one_that_hangs_and_starts_no_thread() -> None:
    threads, hung = Threads(8), Hung()
    with pytest.raises(errors.OutcomeUnknown, match="statfs did not answer within"):
        await threads.in_turn("path", hung, 0.05, "statfs")
    for _ in range(3):
        with pytest.raises(errors.OutcomeUnknown, match="nor has it since"):
            await threads.in_turn("path", hung, 3600, "statfs")
    assert threads.hung == 1
    assert await threads.in_turn("another path", lambda: 5, 10, "five") == 5
    hung.gate.set()
    assert await threads.call(lambda: 6, 10, "six") == 6


@pytest.mark.asyncio
async def test_a_turn_comes_when_the_call_before_ends_in_time() -> None:
    threads, slow = Threads(8), Hung()
    before = Tasks().background(threads.in_turn("path", slow, 30, "statfs"), "before")
    after = Tasks().background(threads.in_turn("path", lambda: "mine", 30, "statfs"), "after")
    loop = asyncio.get_running_loop()
    loop.call_soon(slow.gate.set)
    assert (await before, await after) == ("back", "mine")


@pytest.mark.asyncio
async def test_nobody_is_at_a_path_from_which_calls_are_kept_out() -> None:
    threads, slow, seen = Threads(8), Hung(), list[str]()
    before = Tasks().background(threads.in_turn("path", slow, 30, "statfs"), "before")
    waiting = [Tasks().background(threads.in_turn("path", lambda: seen.append("call"), 30, "x"), "x") for _ in range(4)]
    await asyncio.to_thread(slow.begun.wait, 30)
    asyncio.get_running_loop().call_later(0.01, slow.gate.set)
    async with threads.kept_out(("path",), 30):
        assert slow.left.is_set()
        assert await threads.in_turn("another path", lambda: 5, 10, "five") == 5
        with pytest.raises(errors.Busy, match="is being unmounted"):
            await threads.in_turn("path", lambda: seen.append("call"), 0.01, "statfs at path")
        assert seen == []
    await asyncio.gather(before, *waiting)
    assert seen == ["call"] * 4
