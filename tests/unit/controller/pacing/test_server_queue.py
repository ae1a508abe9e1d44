import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.pacing.server_queue import ServerQueue
from tests.unit.controller.world import in_virtual_time, within

CALLERS = st.lists(
    st.tuples(st.floats(0, 5), st.booleans(), st.sampled_from([1.0, 4.0, 60.0]), st.floats(0, 9)), max_size=12
)


@settings(max_examples=40, deadline=None)
@given(CALLERS)
def test_one_holds_the_server_and_nobody_is_forgotten(callers: list[tuple[float, bool, float, float]]) -> None:
    in_virtual_time(_all_are_answered(callers))


async def _all_are_answered(callers: list[tuple[float, bool, float, float]]) -> None:
    servers, holders = ServerQueue(), []

    async def call(number: int, start: float, urgent: bool, patience: float, leaves: float) -> None:
        await asyncio.sleep(start)
        async with asyncio.timeout(leaves), servers.turn("1", urgent=urgent):
            holders.append(number)
            assert len(holders) == 1
            try:
                await asyncio.sleep(1.5)
            finally:
                holders.remove(number)
        del patience

    calls = [within(each[2], call(number, *each)) for number, each in enumerate(callers)]
    await asyncio.gather(*calls, return_exceptions=True)
    assert len(servers) == 0


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_first_come_first_served_but_detach_goes_first() -> None:
    servers, order = ServerQueue(), []

    async def call(name: str, urgent: bool) -> None:
        async with servers.turn("1", urgent=urgent):
            order.append(name)
            await asyncio.sleep(1)

    await asyncio.gather(call("a", False), call("b", False), call("c", False), call("detach", True))
    assert order == ["a", "detach", "b", "c"]
