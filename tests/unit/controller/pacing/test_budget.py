import asyncio
import random
from collections import Counter

import pytest

from common import errors
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane
from tests.fakes.ratelimit import RateLimit

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


def budget(per_minute: int) -> Budget:
    return Budget(per_minute, wall=lambda: asyncio.get_running_loop().time())


async def send(budget: Budget, limit: RateLimit, lane: Lane, share: str = "", seconds: float = 600) -> int:
    """One request through the budget to an API with that limit; return its status."""
    await budget.admit(lane, share, asyncio.get_running_loop().time() + seconds)
    await asyncio.sleep(0.04)
    status, headers = limit.arrive()
    await asyncio.sleep(0.04)
    budget.learn(headers, limited=status == 429)
    return status


async def test_a_burst_uses_the_whole_minute_and_waits_for_the_next() -> None:
    ours, limit = budget(100), RateLimit(per_minute=100, per_hour=5000)
    start = asyncio.get_running_loop().time()
    statuses = await asyncio.gather(*(send(ours, limit, Lane.DETACH) for _ in range(150)))
    assert Counter(statuses) == {200: 150}
    assert 60 <= asyncio.get_running_loop().time() - start < 63


async def test_the_urgent_lane_goes_first() -> None:
    ours, order = budget(30), []

    async def call(lane: Lane) -> None:
        await ours.admit(lane, "", asyncio.get_running_loop().time() + 600)
        order.append(lane)

    await asyncio.gather(*(call(Lane.DETACH) for _ in range(30)))
    order.clear()
    await asyncio.gather(*(call(lane) for lane in (Lane.READ, Lane.CHANGE, Lane.ATTACH, Lane.DETACH)))
    assert order[0] is Lane.DETACH


async def test_inside_a_lane_everyone_gets_the_same_share() -> None:
    ours, order = budget(30), []

    async def call(share: str) -> None:
        await ours.admit(Lane.ATTACH, share, asyncio.get_running_loop().time() + 600)
        order.append(share)

    await asyncio.gather(*(call("first") for _ in range(29)))
    order.clear()
    await asyncio.gather(*(call("greedy") for _ in range(10)), call("modest"))
    assert order.index("modest") <= 2


async def test_a_request_that_cannot_be_in_time_is_told_so_at_once() -> None:
    ours, limit = budget(30), RateLimit(per_minute=30, per_hour=5000)
    await asyncio.gather(*(send(ours, limit, Lane.ATTACH) for _ in range(29)))
    before = asyncio.get_running_loop().time()
    with pytest.raises(errors.Unavailable, match=r"retry after \d+ s"):
        await send(ours, limit, Lane.ATTACH, seconds=10)
    assert asyncio.get_running_loop().time() == before


async def test_the_last_of_the_hour_is_kept_for_what_frees_nodes() -> None:
    ours, limit = budget(1000), RateLimit(per_minute=1000, per_hour=100)
    await asyncio.gather(*(send(ours, limit, Lane.DETACH) for _ in range(90)))
    with pytest.raises(errors.Unavailable):
        await send(ours, limit, Lane.LIST, seconds=60)
    assert await send(ours, limit, Lane.DETACH, seconds=60) == 200


async def test_requests_of_others_on_the_same_token_are_counted() -> None:
    ours, limit = budget(30), RateLimit(per_minute=30, per_hour=5000)
    await send(ours, limit, Lane.READ)
    for _ in range(10):
        limit.arrive()
    statuses = [await send(ours, limit, Lane.DETACH) for _ in range(20)]
    assert Counter(statuses) == {200: 20}


async def test_after_a_429_nothing_is_sent_until_it_may_be() -> None:
    ours, limit = budget(1000), RateLimit(per_minute=5, per_hour=5000)
    first = [await send(ours, limit, Lane.READ) for _ in range(6)]
    assert first[-1] == 429
    start = asyncio.get_running_loop().time()
    assert await send(ours, limit, Lane.DETACH) == 200
    assert asyncio.get_running_loop().time() - start >= 55


async def test_two_replicas_on_one_token_share_it_fairly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", random.Random(1).uniform)  # noqa: S311  # the same waits in each run
    limit, sent = RateLimit(per_minute=60, per_hour=5000), Counter[str]()

    async def replica(name: str) -> None:
        ours = budget(60)

        async def worker() -> None:
            while asyncio.get_running_loop().time() < 1800:
                sent[f"{name} {await send(ours, limit, Lane.ATTACH)}"] += 1

        await asyncio.gather(*(worker() for _ in range(10)))

    await asyncio.gather(replica("a"), replica("b"))
    assert 0.5 < sent["a 200"] / sent["b 200"] < 2
    assert sent["a 429"] + sent["b 429"] < 0.1 * (sent["a 200"] + sent["b 200"])
    assert sent["a 200"] + sent["b 200"] > 0.7 * 1800


async def test_a_caller_that_leaves_the_line_leaves_nothing_behind() -> None:
    ours, limit = budget(30), RateLimit(per_minute=30, per_hour=5000)
    await asyncio.gather(*(send(ours, limit, Lane.DETACH) for _ in range(30)))
    task = asyncio.get_running_loop().create_task(send(ours, limit, Lane.DETACH))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not ours.waiting
    await asyncio.sleep(70)
    assert ours.quota.remaining == 5000 - 30


async def test_an_hour_that_is_used_up_is_asked_for_every_two_minutes_until_it_opens_again() -> None:
    ours, limit = budget(1000), RateLimit(per_minute=1000, per_hour=50)
    for _ in range(25):
        assert await send(ours, limit, Lane.DETACH) == 200
        await asyncio.sleep(10)
    statuses = Counter(await asyncio.gather(*(send(ours, limit, Lane.DETACH, seconds=20_000) for _ in range(60))))
    assert statuses[429] <= 3600 / 120
    assert set(statuses) <= {200, 429}
