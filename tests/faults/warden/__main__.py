"""``python -m tests.faults.warden``: run many seeds, or one."""

import argparse
import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Sequence

import structlog

from tests.faults import order
from tests.faults.sim.loop import Loop, Stuck
from tests.faults.sim.trace import Broken
from tests.faults.warden.world import World


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 all held, 1 something did not."""
    parser = argparse.ArgumentParser(prog="tests.faults.warden", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--log", action="store_true", help="show what the wardens log")
    options = parser.parse_args(argv)
    order.fix("tests.faults.warden", sys.argv[1:] if argv is None else argv)
    if not options.log:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    counts: Counter[str] = Counter()
    for seed in range(options.first, options.first + options.seeds):
        if broken := run(seed, counts):
            print(f"seed {seed}: {broken}")
            return 1
    print(f"{options.seeds} seeds held: {dict(counts)}")
    return 0


def run(seed: int, counts: "Counter[str]") -> str:
    """Run one seed; return what was broken."""
    loop = Loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # what nobody awaits died with its process
    asyncio.set_event_loop(loop)
    gc.disable()  # what died with its process must not run on as garbage
    hook, sys.unraisablehook = sys.unraisablehook, lambda _unraisable: None
    world = World(seed)
    try:
        loop.run_until_complete(world.play())
    except (Broken, Stuck) as error:
        return str(error)
    finally:
        counts.update(world.absences)
        counts["patches that nobody heard of"] += world.api.unanswered
        counts["patches"] += world.api.calls.count("patch nodes")
        counts["node services told"] += world.api.calls.count("patch pods")
        counts["six minutes"] += world.kubernetes.six_minutes
        counts["events"] += world.api.calls.count("create events")
        asyncio.set_event_loop(None)
        loop.close()
        gc.enable()
        del world
        gc.collect()
        sys.unraisablehook = hook
    return ""


if __name__ == "__main__":
    sys.exit(main())
