"""1,000 claims at once among 10,000 volumes, in virtual time: seconds, memory, and the longest stop of the event loop.

Run: ``python -m benchmarks.service_levels.scale``. The stop is processor time of one callback, of the driver and of the
cloud in memory together; memory is of the whole process, that cloud and 1,000 callers included.
"""

import asyncio
import gc
import resource
import sys
import time
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from benchmarks.service_levels import levels
from benchmarks.service_levels.levels import SHORT
from benchmarks.service_levels.stand import PER_MINUTE, Cost, Stand, in_virtual_time, quiet, stand
from controller.records import ListRequest

SEED = 1
KNOWN, CLAIMS, SERVERS, VOLUMES = 10_000, 1_000, 100, 15
STOP_SECONDS = 0.050
COLLECT = (2_000, 20, 200)  # as controller/__main__ sets it


class Stops:
    """The longest callback so far, seconds of processor time."""

    longest = 0.0
    what = ""


@contextmanager
def watched() -> Iterator[Stops]:
    """Measure each callback of the loop."""
    stops, original = Stops(), events.Handle._run  # noqa: SLF001 (nothing else sees each callback)

    def run(handle: events.Handle) -> None:
        begin = time.thread_time()
        original(handle)
        took = time.thread_time() - begin
        if took > stops.longest:
            stops.longest, stops.what = took, repr(handle)[:200]

    setattr(events.Handle, "_run", run)  # noqa: B010 (its type is not ours to change)
    try:
        yield stops
    finally:
        setattr(events.Handle, "_run", original)  # noqa: B010


async def claims(stops: Stops) -> Cost:
    """Create and attach so many volumes at once, each server taking as many, while all volumes are listed."""
    made = stand(SHORT, SERVERS, SEED)
    for number in range(KNOWN):
        made.cloud.make_volume(f"old-{number}")
    await made.list_all(ListRequest(0, ""))
    await quiet()
    stops.longest = 0.0

    async def claim(made: Stand, number: int) -> None:
        volume_id = await made.create(f"pvc-{number}")
        await made.publish(volume_id, str(number % SERVERS + 1))

    return await made.measured(asyncio.gather(*(claim(made, number) for number in range(CLAIMS))))


def main() -> int:
    """Print the figures; return 0 if the loop was never held up for too long."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    gc.set_threshold(*COLLECT)
    with watched() as stops:
        cost = in_virtual_time(claims(stops))
        _tell(f"{CLAIMS} claims at once among {KNOWN} volumes", cost, 2 * CLAIMS)
        print(f"  longest callback {stops.longest * 1000:.0f} ms (target {STOP_SECONDS * 1000:.0f}): {stops.what}")
        longest, stops.longest = stops.longest, 0.0
        cost = in_virtual_time(levels.many_servers(SHORT, SEED, SERVERS, VOLUMES))
        _tell(f"{SERVERS} servers x {VOLUMES} attaches", cost, SERVERS * VOLUMES)
        print(f"  longest callback {stops.longest * 1000:.0f} ms: {stops.what}")
    return 0 if max(longest, stops.longest) <= STOP_SECONDS else 1


def _tell(what: str, cost: Cost, changes: int) -> None:
    limit = changes / PER_MINUTE * 60
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{what}: {cost.seconds:.0f} s, {cost.seconds / limit:.2f} x the budget's limit of {limit:.0f} s,"
        f" {cost.requests} requests, 429: {cost.throttled}; {mib:.0f} MiB at most",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
