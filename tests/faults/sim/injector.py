"""Which fault hits which request, call, action or program: each waits from its time on for the first that it fits."""

from tests.faults.plan import Fault
from tests.faults.sim.trace import Trace

OF_SNAPSHOTS = frozenset({"too soon", "taken unseen"})  # they hit the creation of a snapshot alone
REQUEST_KINDS = OF_SNAPSHOTS | frozenset(
    {"lost before", "lost after", "error before", "error after", "slow reply", "refused", "foreign answer"}
)
STORMS = frozenset(
    {
        *("throttle storm", "error storm", "stale lists", "stale snapshots", "no connection"),
        *("wrong date", "other account"),
    }
)


class Injector:
    """The faults of a run that wait for something to hit."""

    def __init__(self, faults: tuple[Fault, ...], trace: Trace) -> None:
        self._waiting = list(faults)
        self._storms = [fault for fault in faults if fault.kind in STORMS]
        self._trace = trace
        self.over = False  # faults have stopped

    def take(self, kinds: frozenset[str], subject: str, now: float) -> Fault | None:
        """Return the fault of one of ``kinds`` that hits ``subject``; it hits nothing else."""
        if self.over:
            return None
        for fault in self._waiting:
            if fault.kind in kinds and fault.at <= now and fault.what in subject:
                self._waiting.remove(fault)
                self.hit(fault, subject)
                return fault
        return None

    def storm(self, kind: str, now: float) -> Fault | None:
        """Return the storm of that kind that rages."""
        raging = (each for each in self._storms if each.kind == kind and each.at <= now < each.at + each.amount)
        return None if self.over else next(raging, None)

    def hit(self, fault: Fault, subject: str) -> None:
        """Take note of a fault that has happened."""
        self._trace.note("FAULT", f"{fault}: {subject}")
        self._trace.count(f"fault: {fault.kind}")
