"""Requests of volume lives, one after the other, on two replicas that have just started: nothing is learned yet.

The provisioner leads on one, the attacher on the other, and the provisioner asks twice for each deletion, as it may.
"""

from benchmarks.api_cost.stand import LATENCY, Stand, standing

TARGET = 6.0
LIVES = 10
ACTION_SECONDS = ("1.5", "0.5-1.5")


async def run() -> bool:
    """Measure; return whether the targets are met."""
    print(f"volume lives from a cold start, on two replicas (target for the first: {TARGET:.0f} requests)")
    return all([await _cold(seconds) for seconds in ACTION_SECONDS])


async def _cold(seconds: str) -> bool:
    async with standing(2, LATENCY[0], f"--action-latency={seconds}", replicas=2) as stand:
        first = (await stand.measured(_life(stand, "first"))).requests
        learning = [(await stand.measured(_life(stand, f"second-{number}"))).requests for number in range(LIVES)]
        later = [(await stand.measured(_life(stand, f"later-{number}"))).requests for number in range(LIVES)]
    ok = first <= TARGET
    print(
        f"  {seconds} s an action: {first} requests for the first life, {_mean(learning):.1f} for each of the {LIVES}"
        f" next, {_mean(later):.1f} for each of the {LIVES} after them   {'ok' if ok else 'MISSED'}",
        flush=True,
    )
    return ok


async def _life(stand: Stand, name: str) -> None:
    volume_id = await stand.life(name, stand.droplets[0])
    await stand.delete(volume_id)


def _mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers)
