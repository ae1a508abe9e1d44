"""Places for programs: nobody waits long for one."""

import asyncio

import pytest

from node.host.slots import PATIENCE_SECONDS, Slots

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def keep(slots: Slots, seconds: float) -> float:
    """Keep a place for so long; return how long it was waited for."""
    clock = asyncio.get_running_loop().time
    asked = clock()
    async with slots.place():
        waited = clock() - asked
        await asyncio.sleep(seconds)  # noqa: TID251  # virtual time
    return waited


async def test_a_place_is_waited_for_while_others_keep_all_for_a_moment() -> None:
    slots = Slots(2)
    assert await asyncio.gather(*(keep(slots, 1.0) for _ in range(5))) == [0, 0, 1, 1, 2]


async def test_programs_that_do_not_end_delay_nobody_for_longer_than_patience() -> None:
    slots = Slots(2)
    waited = await asyncio.gather(*(keep(slots, 3600.0) for _ in range(2)), *(keep(slots, 1.0) for _ in range(15)))
    assert max(waited) == PATIENCE_SECONDS <= 10


async def test_a_place_is_kept_for_so_long_at_the_most_and_given_back_once() -> None:
    slots = Slots(1, hold_seconds=2.0)
    assert await asyncio.gather(*(keep(slots, seconds) for seconds in (60.0, 3.0, 1.0))) == [0, 2, 4]
    assert await asyncio.gather(*(keep(slots, 1.0) for _ in range(2))) == [0, 1]


async def test_one_who_gives_up_leaves_no_place_taken() -> None:
    slots = Slots(1)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(keep(slots, 60.0), 1.0)
    assert await keep(slots, 0.0) == 0
