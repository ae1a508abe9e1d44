"""The deadline of a call travels with it."""

import asyncio
from contextlib import suppress

import pytest

from common import deadlines

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_call_without_a_deadline_has_the_default_from_now_on() -> None:
    assert deadlines.remaining() == deadlines.UNBOUNDED_SECONDS


async def test_what_is_left_shrinks_and_is_never_negative() -> None:
    with deadlines.until(asyncio.get_running_loop().time() + 5):
        await asyncio.sleep(3)  # noqa: TID251  # virtual time passes
        assert deadlines.remaining() == pytest.approx(2)
        await asyncio.sleep(3)  # noqa: TID251  # virtual time passes
        assert deadlines.remaining() == 0


async def test_a_task_of_the_call_inherits_its_deadline() -> None:
    async def child() -> float:
        return deadlines.current()

    with deadlines.until(77.0):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(child())
    assert task.result() == 77.0
    assert deadlines.current() != 77.0


async def test_an_obstacle_stays_until_it_has_passed_and_belongs_to_its_call_alone() -> None:
    with deadlines.until(1) as outer:
        with deadlines.until(1) as inner:
            deadlines.note("the cloud answered 503")
            assert inner == ["the cloud answered 503"]
            with deadlines.waiting("attach 7 is under way"):
                assert inner == ["attach 7 is under way"]
            assert inner == []
            with suppress(TimeoutError), deadlines.waiting("node 101"):
                raise TimeoutError
        assert (inner, outer) == (["node 101"], [])
    deadlines.note("nobody asks")


async def test_what_goes_on_is_the_obstacle_until_it_is_over_in_any_way_or_something_else_is() -> None:
    with deadlines.until(1) as obstacle:
        with suppress(KeyError), deadlines.during("one"):
            assert obstacle == ["one"]
            raise KeyError
        assert obstacle == []
        with deadlines.during("one"):
            deadlines.note("other")
        assert obstacle == ["other"]
