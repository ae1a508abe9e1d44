"""What is measured: lives alone and together, a line on one server, many servers, and an hour that runs out."""

import asyncio
from typing import NamedTuple

from benchmarks.service_levels.metered import SHAPES
from benchmarks.service_levels.stand import PER_HOUR, PER_MINUTE, Cost, Stand, quiet, stand
from controller.cloud.records import Volume
from tests.fakes.ratelimit import RateLimit

BETWEEN_SECONDS = 20.0  # lives that are alone do not follow each other at once
LIVES_ALONE, LEARNING_LIVES = 60, 30
FIXED, SHORT, SLOW = SHAPES


class RunningOut(NamedTuple):
    """What was sent while the hour ran out."""

    requests: int
    pending: int
    throttled: int
    looks_in_reserve: int


async def alone(shape: str, seed: int, *, scarce: bool = False) -> Cost:
    """One life after the other; with ``scarce``, less than a fifth of the hour is left."""
    made = stand(shape, 1, seed)
    await _learn(made)
    if scarce:
        await _use_the_hour(made)
    await quiet()

    async def lives() -> None:
        for number in range(LIVES_ALONE):
            await made.life(f"pvc-{number}", "1")
            await asyncio.sleep(BETWEEN_SECONDS)  # noqa: TID251 (virtual time)

    return await made.measured(lives())


async def together(shape: str, seed: int, *, lives: int = 20, at_once: int = 10, scarce: bool = False) -> Cost:
    """So many lives, some of them at once, on 20 servers."""
    made = stand(shape, 20, seed)
    await _learn(made)
    if scarce:
        await _use_the_hour(made)
    await quiet()
    gate = asyncio.Semaphore(at_once)

    async def life(number: int) -> None:
        async with gate:
            await made.life(f"pvc-{number}", str(number % 20 + 1))

    return await made.measured(asyncio.gather(*map(life, range(lives))))


async def grown(shape: str, seed: int, *, volumes: int, at_once: int) -> Cost:
    """Grow so many volumes, and take a snapshot of each, some of them at once, on 20 servers."""
    made = stand(shape, 20, seed)
    await _learn(made)
    known = [made.cloud.make_volume(f"pvc-{number}", 1, str(number % 20 + 1)) for number in range(volumes)]
    await quiet()
    gate = asyncio.Semaphore(at_once)

    async def grow(volume: Volume) -> None:
        async with gate:
            await made.grow(volume.id, 2 * volume.size_bytes)
            await made.snapshot(volume.id)

    return await made.measured(asyncio.gather(*map(grow, known)))


async def one_server(shape: str, seed: int, volumes: int = 15) -> Cost:
    """Attach so many volumes to one server, all at once."""
    made = stand(shape, 2, seed)
    await _learn(made, "2")
    names = [await made.create(f"pvc-{number}") for number in range(volumes)]
    await quiet()
    return await made.measured(asyncio.gather(*(made.publish(each, "1") for each in names)))


async def many_servers(shape: str, seed: int, servers: int = 100, volumes: int = 15) -> Cost:
    """Attach so many volumes to each of so many servers, all at once."""
    made = stand(shape, servers, seed)
    await _learn(made)
    known = [made.cloud.make_volume(f"pvc-{number}") for number in range(servers * volumes)]
    for volume in known:
        made.know(volume)
    await quiet()
    pairs = [(each.id, str(number % servers + 1)) for number, each in enumerate(known)]
    return await made.measured(asyncio.gather(*(made.publish(*pair) for pair in pairs)))


async def running_out(shape: str, seed: int) -> RunningOut:
    """Lives on two replicas, one with a clock that is an hour ahead, beside a client that takes half of the hour."""
    limit = RateLimit(PER_MINUTE, PER_HOUR)
    first, second = stand(shape, 20, seed, limit), stand(shape, 20, seed + 1, limit, wall_offset=3600)
    second.cloud.share(first.cloud)
    await _use_the_hour(first)

    async def other_client() -> None:
        while True:
            limit.arrive()
            await asyncio.sleep(3600 / (PER_HOUR / 2))  # noqa: TID251 (virtual time)

    async def lives(made: Stand, name: str, servers: range) -> None:
        for number in range(40):
            await asyncio.gather(*(made.life(f"{name}-{number}-{server}", str(server)) for server in servers))

    other = asyncio.get_running_loop().create_task(other_client())
    work = asyncio.gather(lives(first, "a", range(1, 5)), lives(second, "b", range(11, 15)))
    await work
    other.cancel()
    clouds = (first.cloud, second.cloud)
    return RunningOut(
        sum(len(each.requests) for each in clouds),
        sum(each.pending for each in clouds),
        sum(each.throttled for each in clouds),
        sum(each.looks_in_reserve for each in clouds),
    )


async def _use_the_hour(made: Stand) -> None:
    """Let another client leave less than a fifth of it."""
    for _ in range(4200):
        made.cloud.limit.arrive()
        await asyncio.sleep(0.3)  # noqa: TID251 (virtual time)


async def _learn(made: Stand, server: str = "1") -> None:
    for number in range(LEARNING_LIVES):
        await made.life(f"learn-{number}", server)
    made.retries = 0
