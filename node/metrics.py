"""What the node counts beside its calls: the programs it runs, and the calls into the kernel that hang."""

from prometheus_client.metrics import Counter, Gauge, Histogram
from prometheus_client.registry import CollectorRegistry

from node.host.threads import Threads

PROGRAM_SECONDS = (0.05, 0.25, 1, 5, 30, 120, 600)


class NodeMetrics:
    """The node's own metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter(
            "aiocsi_programs", "Programs run, by name and exit status.", ["program", "status"], registry=registry
        )
        self._seconds = Histogram(
            "aiocsi_program_seconds",
            "How long programs took, seconds.",
            ["program"],
            buckets=PROGRAM_SECONDS,
            registry=registry,
        )
        self._hung = Gauge(
            "aiocsi_hung_calls", "Calls into the kernel that were given up and do not come back.", registry=registry
        )

    def watch(self, threads: Threads) -> None:
        """Tell how many calls of ``threads`` hang."""
        self._hung.set_function(lambda: threads.hung)

    def observe(self, program: str, seconds: float, status: int) -> None:
        """Count a program that ended."""
        self._runs.labels(program, str(status)).inc()
        self._seconds.labels(program).observe(seconds)
