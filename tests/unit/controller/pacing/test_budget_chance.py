import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.pacing.lanes import Lane
from tests.fakes.ratelimit import RateLimit
from tests.unit.controller.pacing.test_budget import budget, send
from tests.unit.controller.world import in_virtual_time

LANES = st.lists(st.tuples(st.sampled_from(list(Lane)), st.floats(0, 90), st.sampled_from(["a", "b"])), max_size=150)


@settings(max_examples=30, deadline=None)
@given(LANES)
def test_nothing_is_sent_that_the_api_refuses_and_everybody_gets_a_turn(calls: list[tuple[Lane, float, str]]) -> None:
    in_virtual_time(_none_is_refused(calls))


async def _none_is_refused(calls: list[tuple[Lane, float, str]]) -> None:
    ours, limit = budget(30), RateLimit(per_minute=30, per_hour=5000)

    async def call(lane: Lane, start: float, share: str) -> int:
        await asyncio.sleep(start)
        return await send(ours, limit, lane, share, seconds=900)

    statuses = await asyncio.gather(*(call(*each) for each in calls))
    assert set(statuses) <= {200}
