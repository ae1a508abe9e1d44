"""Two controllers on one account, both busy, also with the same volumes, as when leases lie on different pods."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import errors
from tests.fakes.cloud import SERVERS, FakeCloud
from tests.unit.controller.world import World, in_virtual_time, within

CALL_SECONDS = 15.0
TRIES = 40


async def again(call: Callable[[], Awaitable[str | None]]) -> str | None:
    """Call as a sidecar does, until the answer is final."""
    for _ in range(TRIES):
        try:
            return await within(CALL_SECONDS, _coroutine(call))
        except errors.NotFinal:
            await asyncio.sleep(1)
    raise AssertionError("no final answer in time")


async def _coroutine(call: Callable[[], Awaitable[str | None]]) -> str | None:
    return await call()


async def life(worlds: tuple[World, World], name: str, server_id: str, turns: tuple[int, int, int, int]) -> None:
    """A volume's life of which each step may fall to another controller."""
    creator, attacher, detacher, deleter = (worlds[turn] for turn in turns)
    volume_id = await again(lambda: creator.create(name))
    assert volume_id is not None
    await again(lambda: attacher.publish(volume_id, server_id))
    assert attacher.cloud.holders(volume_id) == (server_id,)
    await again(lambda: detacher.unpublish(volume_id, server_id))
    await again(lambda: deleter.volumes.delete(volume_id))


TURNS = st.tuples(*[st.integers(0, 1)] * 4)
LIVES = st.lists(st.tuples(st.sampled_from(SERVERS), TURNS), min_size=2, max_size=12)


@settings(max_examples=25, deadline=None)
@given(LIVES)
def test_nothing_is_doubled_and_nothing_is_lost(lives: list[tuple[str, tuple[int, int, int, int]]]) -> None:
    in_virtual_time(_all_live(lives))


async def _all_live(lives: list[tuple[str, tuple[int, int, int, int]]]) -> None:
    cloud = FakeCloud()
    worlds = (World(cloud), World(cloud))
    await asyncio.gather(*(life(worlds, f"pvc-{number}", *each) for number, each in enumerate(lives)))
    kinds = [each.kind for each in cloud.effects]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == dict.fromkeys(
        ("create", "attach", "detach", "delete"), len(lives)
    )
    assert not cloud.volumes


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_same_call_to_both_at_once_does_the_work_once() -> None:
    cloud = FakeCloud()
    first, second = World(cloud), World(cloud)
    volumes = await asyncio.gather(again(first.create), again(second.create))
    assert volumes[0] == volumes[1]
    volume_id = str(volumes[0])
    await asyncio.gather(*(again(partial(world.publish, volume_id, "101")) for world in (first, second)))
    await asyncio.gather(*(again(partial(world.unpublish, volume_id, "101")) for world in (first, second)))
    await asyncio.gather(*(again(partial(world.volumes.delete, volume_id)) for world in (first, second)))
    assert [each.kind for each in cloud.effects] == ["create", "attach", "detach", "delete"]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_both_get_their_turns_on_one_server() -> None:
    cloud = FakeCloud()
    worlds = (World(cloud), World(cloud))
    ended: list[int] = []

    async def attach(number: int) -> None:
        volume_id = str(await again(lambda: worlds[number % 2].create(f"pvc-{number}")))
        await again(lambda: worlds[number % 2].publish(volume_id, "101"))
        ended.append(number % 2)

    await asyncio.gather(*(attach(number) for number in range(14)))
    assert 2 <= sum(ended[:7]) <= 5
