"""What happened, in order: kept for the report of a run that failed, and counted for the table."""

from collections import Counter
from collections.abc import Callable

from tests.faults.sim import awaits
from tests.faults.sim.loop import Process

AWAIT = "await "  # what the places at which processes died are counted under


class Broken(Exception):
    """An invariant does not hold."""


class Trace:
    """The events of one run. ``clock`` returns virtual seconds."""

    def __init__(self, clock: Callable[[], float], *, keep: bool) -> None:
        self._clock = clock
        self._keep = keep
        self.lines: list[str] = []
        self.counts: Counter[str] = Counter()

    def note(self, who: str, what: str) -> None:
        """Take note of an event."""
        if self._keep:
            self.lines.append(f"{self._clock():9.3f}  {who:<14} {what}")

    def died(self, process: Process) -> None:
        """Count where a process of the driver died."""
        self.counts.update(f"{AWAIT}{place}" for place in awaits.of(process.tasks))

    def count(self, what: str, number: int = 1) -> None:
        """Count an event for the table."""
        self.counts[what] += number
