"""Attaches: 15 to one droplet against the serial limit, and 100 droplets with 5 each against what limits them."""

import asyncio

from benchmarks.api_cost.stand import ACTION_SECONDS, REQUEST_SECONDS, Cost, Stand, standing

ONE_DROPLET, MANY_DROPLETS, EACH = 15, 100, 5
ONE_TARGET, MANY_TARGET = 1.10, 1.15
REQUESTS_PER_MINUTE = 250


async def run() -> bool:
    """Measure; return whether the targets are met."""
    return all([await _one_droplet(), await _many_droplets()])


async def _one_droplet() -> bool:
    async with standing(2) as stand:
        first, second = stand.droplets[:2]
        for number in range(8):
            await stand.life(f"learn-{number}", second)
        volumes = [await stand.create(f"pvc-{number}") for number in range(ONE_DROPLET)]
        cost = await stand.measured(_attach(stand, [(volume, first) for volume in volumes]))
    limit = ONE_DROPLET * (REQUEST_SECONDS + ACTION_SECONDS)
    return _told(f"{ONE_DROPLET} attaches to one droplet", cost, limit, ONE_TARGET)


async def _many_droplets() -> bool:
    """The volumes are made with the limits off, so that the whole minute's allowance is there for the attaches."""
    async with standing(MANY_DROPLETS) as stand:
        droplets = stand.droplets
        for number in range(4):
            await stand.life(f"learn-{number}", droplets[0])
        volumes = await _make(stand, MANY_DROPLETS * EACH)
        await asyncio.sleep(61)  # noqa: TID251 (the cloud's minute must be over, so that all starts from nothing)
        pairs = [(volume, droplets[place % MANY_DROPLETS]) for place, volume in enumerate(volumes)]
        cost = await stand.measured(_attach(stand, pairs))
    action_limit = EACH * (REQUEST_SECONDS + ACTION_SECONDS)
    budget_limit = len(pairs) / REQUESTS_PER_MINUTE * 60
    what = f"{MANY_DROPLETS} droplets x {EACH} (action limit {action_limit:.1f} s, budget limit {budget_limit:.0f} s)"
    clean = not cost.refused and not cost.throttled
    return _told(what, cost, max(action_limit, budget_limit), MANY_TARGET) and clean


async def _make(stand: Stand, count: int) -> list[str]:
    return await asyncio.gather(*(stand.create(f"pvc-{number}") for number in range(count)))


async def _attach(stand: Stand, pairs: list[tuple[str, int]]) -> None:
    await asyncio.gather(*(stand.publish(volume, droplet) for volume, droplet in pairs))


def _told(what: str, cost: Cost, limit: float, target: float) -> bool:
    times = cost.seconds / limit
    verdict = "ok" if times <= target else "MISSED"
    print(
        f"{what}: {cost.seconds:.1f} s, {times:.2f} x the limit of {limit:.1f} s (target {target}),"
        f" {cost.requests} requests, 422: {cost.refused}, 429: {cost.throttled}   {verdict}",
        flush=True,
    )
    return times <= target
