"""Requests and seconds of what the controller does. Run: ``python -m benchmarks.api_cost [part ...]``.

Against localcloud (no disks; 80 ms a request, 1.5 s an action; 5,000 requests an hour, 250 a minute in sliding
windows, as its defaults), called as the sidecars call: all at once, 60 s a call, and again after a growing pause.
"""

import asyncio
import sys

from benchmarks.api_cost import attaches, cold, lists, lives, load, snapshots, stand

PARTS = {
    "cold": cold.run,
    "lives": lives.run,
    "attaches": attaches.run,
    "snapshots": snapshots.run,
    "lists": lists.run,
    "load": load.run,
}


async def main(wanted: list[str]) -> int:
    """Run the parts that are named, or all; return 0 if every target is met."""
    print(f"against localcloud: 80 ms a request, 1.5 s an action, 250 requests a minute; {stand.machine()}\n")
    met = [await PARTS[name]() for name in wanted or PARTS]
    print("\nall targets met" if all(met) else "\nSOME TARGETS MISSED")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
