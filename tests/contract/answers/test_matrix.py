"""No answer that is not the API's makes a call say what is not so, whatever the cloud was before."""

import asyncio
import logging
import tracemalloc
from collections.abc import Iterator

import pytest
import structlog

from tests.contract.answers.answers import Foreign, everything
from tests.contract.answers.calls import CASES, Case
from tests.contract.answers.matrix import PROPERTY, line, run
from tests.contract.answers.world import Strikes, World, virtual

FEWEST_ANSWERS = 40
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    """Write no line of some hundred thousand."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_call_is_never_ok_without_the_cloud_nor_final_after_something_was_done(
    case: Case, request: pytest.FixtureRequest
) -> None:
    row = run(case)
    request.node.user_properties.append((PROPERTY, line(row)))  # reaches the summary from any worker
    assert row.broken == []
    assert row.runs >= FEWEST_ANSWERS * len(Strikes)


def test_no_answer_is_listed_twice() -> None:
    names = [each.name for each in everything()]
    assert len(names) == len(set(names))


def test_many_huge_answers_at_once_are_held_in_64_mib() -> None:
    huge = next(each for each in everything() if each.name == "documented status, huge")
    tracemalloc.start()
    try:
        virtual(_many(huge))
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


async def _many(foreign: Foreign) -> None:
    world = World(foreign, Strikes.EVERYTHING)
    works = [case.call(world) for case in CASES for _ in range(5)]
    codes = {ended.code for ended in await asyncio.gather(*map(world.call, works))}
    assert codes <= {"UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED"}
    await world.close()
