"""What an hour that runs out leaves to detaches is not spent on looks, whoever else uses the token."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from benchmarks.service_levels.metered import SHAPES, MeteredCloud
from benchmarks.service_levels.stand import Stand, in_virtual_time, stand
from tests.fakes.ratelimit import RateLimit

PER_MINUTE, PER_HOUR = 100, 600
FIRST_SEED, SEEDS = 100, 6
LIVES = 20


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_no_look_is_taken_from_the_reserve_when_the_hour_runs_out(seed: int) -> None:
    random.seed(seed)  # the budget spreads its pauses after a 429
    clouds = in_virtual_time(running_out(random.Random(seed)))  # noqa: S311 (decides nothing secret)
    assert sum(len(each.requests) for each in clouds) > PER_HOUR  # the hour did run out
    assert [each.looks_in_reserve for each in clouds] == [0, 0]


async def running_out(dice: random.Random) -> list[MeteredCloud]:
    """Let two replicas with clocks that are off live volumes, beside a client that takes half of the hour."""
    limit, shape = RateLimit(PER_MINUTE, PER_HOUR), dice.choice([*SHAPES])
    replicas = [stand(shape, 20, dice.getrandbits(32), limit, wall_offset=dice.uniform(-7200, 7200)) for _ in "ab"]
    replicas[1].cloud.share(replicas[0].cloud)

    async def other_client() -> None:
        while True:
            limit.arrive()
            await asyncio.sleep(dice.expovariate(PER_HOUR / 2 / 3600))  # noqa: TID251 (virtual time)

    async def lives(made: Stand, servers: range) -> None:
        for number in range(LIVES):
            await asyncio.gather(*(made.life(f"pvc-{server}-{number}", str(server)) for server in servers))
            await asyncio.sleep(dice.uniform(0, 60))  # noqa: TID251 (virtual time)

    other = asyncio.get_running_loop().create_task(other_client())
    await asyncio.gather(lives(replicas[0], range(1, 5)), lives(replicas[1], range(11, 15)))
    other.cancel()
    return [each.cloud for each in replicas]
