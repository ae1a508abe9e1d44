"""Cuts a failing plan down: steps and faults are left out, one by one and in halves, while the run still fails."""

from collections.abc import Callable

from tests.faults.plan import Plan

Fails = Callable[[Plan], bool]


def shrink(plan: Plan, fails: Fails) -> frozenset[int]:
    """Return the numbers of the steps and faults that are enough to fail."""
    kept = list(range(plan.parts))
    size = max(1, len(kept) // 2)
    while size:
        kept, smaller = _without_pieces(plan, kept, size, fails)
        if size == 1 and not smaller:
            break
        size = max(1, size // 2)
    return frozenset(kept)


def _without_pieces(plan: Plan, kept: list[int], size: int, fails: Fails) -> tuple[list[int], bool]:
    """Leave out pieces of that size, the last first; say whether any could go."""
    smaller = False
    for start in range(len(kept) - size, -1, -size):
        rest = kept[:start] + kept[start + size :]
        if rest and fails(plan.keep(frozenset(rest))):
            kept, smaller = rest, True
    return kept, smaller
