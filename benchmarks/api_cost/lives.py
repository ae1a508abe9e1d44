"""Requests per volume life (create, attach, detach, delete), so many volumes at once."""

import asyncio

from benchmarks.api_cost.stand import Cost, Stand, standing

DROPLETS = 20
TARGETS = {1: 6.0, 10: 5.0, 50: 5.0, 200: 5.0}
LEARNING_LIVES = 8
LIVES_ALONE = 5


async def run() -> bool:
    """Measure; return whether the targets are met."""
    print(f"volume lives on {DROPLETS} droplets (target: requests per life)")
    met = True
    for together, target in TARGETS.items():
        async with standing(DROPLETS) as stand:
            for number in range(LEARNING_LIVES):  # durations are learned
                await stand.life(f"learn-{number}", stand.droplets[0])
            stand.retries = 0
            rounds = LIVES_ALONE if together == 1 else 1
            cost = await stand.measured(_lives(stand, together, rounds))
        lives = together * rounds
        ok = cost.requests / lives <= target and not cost.refused and not cost.throttled
        met = met and ok
        line = _line(together, cost, cost.requests / lives, target)
        print(f"{line}, calls repeated: {stand.retries}   {'ok' if ok else 'MISSED'}", flush=True)
        if not ok:
            print("        " + ", ".join(f"{count} {kind}" for kind, count in cost.by_kind.most_common()), flush=True)
    return met


async def _lives(stand: Stand, together: int, rounds: int) -> None:
    for number in range(rounds):
        names = [f"pvc-{number}-{place}" for place in range(together)]
        await asyncio.gather(*(stand.life(name, stand.droplets[place % DROPLETS]) for place, name in enumerate(names)))


def _line(together: int, cost: Cost, each: float, target: float) -> str:
    return (
        f"  {together:4} at once: {each:5.2f} requests a life (target {target}), {cost.seconds:6.1f} s,"
        f" 422: {cost.refused}, 429: {cost.throttled}"
    )
