"""Many seeds side by side, the table of what happened in them, and the report of one that failed."""

import multiprocessing  # noqa: TID251  # seeds on all cores: no bench has anything to drain
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from tests.faults.plan import Plan
from tests.faults.run import Result, run
from tests.faults.seeds import draw
from tests.faults.shrink import shrink
from tests.faults.sim import awaits
from tests.faults.sim.trace import AWAIT

LARGEST_TRACE = 400
REPORTS = 3


def planned(seed: int, cloud: str = "") -> Plan:
    """Return the plan of a seed, on that cloud."""
    return replace(draw(seed), cloud=cloud)


def one(seed: int, cloud: str = "") -> Result:
    """Run a seed."""
    return run(planned(seed, cloud))


def many(seeds: Iterable[int], jobs: int, *, cloud: str = "", stop: bool = False) -> int:
    """Run seeds; print the table, or the report of those that failed. Return the exit status."""
    started = time.monotonic()
    counts: Counter[str] = Counter()
    failed: list[Result] = []
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=50) as pool:
        for result in pool.imap_unordered(partial(one, cloud=cloud), seeds):
            counts += result.counts
            if result.broken:
                failed.append(result)
                sys.stdout.write(f"seed {result.seed}: {result.broken}\n")
                sys.stdout.flush()
                if stop:
                    return 1
    counts += died_at(counts)
    sys.stdout.write(table(counts, time.monotonic() - started, len(failed)))
    for result in sorted(failed, key=lambda each: each.seed)[:REPORTS]:
        report(result, cloud)
    return 1 if failed else 0


def report(failed: Result, cloud: str = "") -> None:
    """Print what replays a failure, with as few steps and faults as still fail, and its trace."""
    plan = planned(failed.seed, cloud)
    kind = " ".join(failed.broken.split()[:2])  # cut as it is, it may name other numbers
    kept = shrink(plan, lambda part: kind in run(part).broken)
    numbers = ",".join(map(str, sorted(kept)))
    words = f"--seed {failed.seed} --keep {numbers}{' --cloud ' + cloud if cloud else ''}"
    sys.stdout.write(f"\nreplay: python -m tests.faults {words}\n")
    replay(failed.seed, numbers, cloud)


def table(counts: Counter[str], seconds: float, failed: int) -> str:
    """Return what happened, as text."""
    lines = [f"  {name:<40} {number:>9}" for name, number in sorted(counts.items()) if not name.startswith(AWAIT)]
    end = "nothing was lost" if not failed else f"{failed} seeds failed"
    return "\n".join([*lines, f"  {'seconds':<40} {seconds:>9.1f}", f"  {end}", ""])


def died_at(counts: Counter[str]) -> Counter[str]:
    """Return, for each package, how many of its awaits there are, and at how many of them a process has died."""
    found = {name.removeprefix(AWAIT) for name in counts if name.startswith(AWAIT)}
    summary: Counter[str] = Counter()
    for package in awaits.PACKAGES:
        everywhere = awaits.everywhere(package)
        summary[f"awaits in {package}"] = len(everywhere)
        summary[f"awaits in {package}, died at"] = len(everywhere & found)
    return summary


def replay(seed: int, keep: str, cloud: str = "") -> int:
    """Run one seed again and show its trace."""
    plan = chosen(seed, keep, cloud)
    result = run(plan, keep_trace=True)
    for number, part in enumerate((*plan.steps, *plan.faults)):
        sys.stdout.write(f"{number:4d}  {part}\n")
    sys.stdout.write("\n".join((*result.trace[-LARGEST_TRACE:], result.broken or "all held", "")))
    return 1 if result.broken else 0


def chosen(seed: int, keep: str, cloud: str = "") -> Plan:
    """Return the plan of a seed, or the part of it that ``keep`` names."""
    plan = planned(seed, cloud)
    return plan.keep(frozenset(int(each) for each in keep.split(","))) if keep else plan
