"""What the process counts, in a registry of its own.

The modules of prometheus_client are imported one by one: the package itself imports an HTTP server and ssl.
"""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common import __version__, slim_imports
from common.exposition import Form, render

slim_imports.skip_init("prometheus_client")

from prometheus_client.metrics import (  # noqa: E402  # only after the line above
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric  # noqa: E402  # same
from prometheus_client.registry import Collector, CollectorRegistry  # noqa: E402  # same

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the counters, and are no use to an alert

CALL_SECONDS = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """The metrics of gRPC calls, and the registry to which a part of the driver adds its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.registry.register(ProcessCollector())
        started = Gauge("process_start_time_seconds", "When the process began, epoch seconds.", registry=self.registry)
        started.set_to_current_time()
        build = Gauge(
            "aiocsi_build_info", "Always 1; the label tells the version.", ["version"], registry=self.registry
        )
        build.labels(__version__).set(1)
        self.calls = Counter(
            "aiocsi_calls",
            "gRPC calls answered, by method and status code.",
            ["method", "code"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "aiocsi_call_seconds",
            "How long gRPC calls took, seconds.",
            ["method"],
            buckets=CALL_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge("aiocsi_calls_in_flight", "gRPC calls under way.", ["method"], registry=self.registry)
        self.under_way = CallsUnderWay()
        self.registry.register(self.under_way)
        self._ready = Gauge(
            "aiocsi_ready", "1 if the process is ready to work, as /readyz tells, else 0.", registry=self.registry
        )

    def render(self, form: Form = Form.TEXT) -> bytes:
        """Return all metrics."""
        return render(self.registry, form)

    def watch_readiness(self, not_ready: Callable[[], str]) -> None:
        """Ask at each scrape why the process is not ready; an empty text: it is."""
        self._ready.set_function(lambda: float(not not_ready()))

    def describe(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, type and help of every metric, for the reference page."""
        for family in self.registry.collect():
            yield family.name, family.type, family.documentation


class CallsUnderWay(Collector):
    """How old the oldest call under way is, of each method."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: dict[object, tuple[str, float]] = {}  # the oldest first

    @contextmanager
    def one(self, method: str) -> Iterator[None]:
        """A call of ``method`` is under way."""
        key = object()
        self._begun[key] = (method, self._clock())
        try:
            yield
        finally:
            del self._begun[key]

    def collect(self) -> Iterator[Metric]:
        """Yield the metric, without a sample for a method that no one calls now."""
        family = GaugeMetricFamily(
            "aiocsi_oldest_call_seconds", "Age of the oldest gRPC call under way, seconds.", labels=["method"]
        )
        oldest: dict[str, float] = {}
        for method, begun in self._begun.values():
            oldest.setdefault(method, begun)
        for method, begun in oldest.items():
            family.add_metric([method], self._clock() - begun)
        yield family


class ProcessCollector(Collector):
    """Memory, processor time and open files of this process, read from the kernel at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; the names are those which every Prometheus client library uses."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        virtual, resident = map(int, Path("/proc/self/statm").read_text(encoding="ascii").split()[:2])
        yield CounterMetricFamily(
            "process_cpu_seconds", "User and system processor time, seconds.", value=usage.ru_utime + usage.ru_stime
        )
        yield GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory, bytes.", value=resident * resource.getpagesize()
        )
        yield GaugeMetricFamily(
            "process_virtual_memory_bytes", "Virtual memory, bytes.", value=virtual * resource.getpagesize()
        )
        yield GaugeMetricFamily(
            "process_open_fds", "Open file descriptors.", value=sum(1 for _ in Path("/proc/self/fd").iterdir())
        )
        yield GaugeMetricFamily(
            "process_max_fds",
            "Most file descriptors that may be open.",
            value=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        )
