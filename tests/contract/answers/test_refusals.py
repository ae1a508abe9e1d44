"""A call again, of which the one before has done a part: that the API refuses now says nothing of that part."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.contract.answers.answers import Foreign
from tests.contract.answers.calls import CASES, Case
from tests.contract.answers.world import Strikes, World, virtual
from tests.fakes.wire import said

REFUSALS = {
    "may not": (403, {"id": "forbidden", "message": "You do not have access for the attempted action."}),
    "is full": (403, {"id": "forbidden", "message": "volume/snapshot capacity limit exceeded"}),
    "too soon": (429, {"id": "too_many_requests", "message": "this operation is rate-limited"}),
    "cannot": (422, {"id": "unprocessable_entity", "message": "not in this state"}),
    "malformed": (400, {"id": "bad_request", "message": "malformed"}),
}
FIRST_SECONDS = (0.12, 1.0, 20.0)  # the first call's caller leaves then
UNDONE_AGAIN = {"DeleteVolume", "DeleteSnapshot", "ControllerModifyVolume"}  # are repeated whatever the code


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("strikes", [Strikes.LOOKS, Strikes.EVERYTHING], ids=lambda each: each.value)
def test_what_a_call_before_may_have_done_is_not_refused_for_good(name: str, strikes: Strikes) -> None:
    wrong: list[str] = []
    for case in (each for each in CASES if each.rpc not in UNDONE_AGAIN):
        for seconds in FIRST_SECONDS:
            virtual(_twice(case, seconds, Foreign(name, lambda *_: said(*REFUSALS[name])), strikes, wrong))
    assert wrong == []


async def _twice(case: Case, seconds: float, refusal: Foreign, strikes: Strikes, wrong: list[str]) -> None:
    world = World(None, strikes)
    case.prepare(world)
    before = world.fingerprint()
    await world.call(case.call(world), seconds)
    world.strike(refusal, strikes)
    again = await world.call(case.call(world), 20)
    if again.final and world.fingerprint() != before:
        wrong.append(f"{case}, after {seconds} s: {again.code} {again.text}")
    await world.close()
