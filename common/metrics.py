"""What the process counts, in a registry of its own, and its text form for a scrape.

The modules of prometheus_client are imported one by one: the package itself imports an HTTP server and ssl.
"""

import resource
from collections.abc import Iterator
from pathlib import Path

from common import __version__, slim_imports

slim_imports.skip_init("prometheus_client")

from prometheus_client.metrics import Counter, Gauge, Histogram  # noqa: E402  # only after the line above
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric  # noqa: E402  # same
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: E402  # same
from prometheus_client.registry import Collector, CollectorRegistry  # noqa: E402  # same

CONTENT_TYPE: str = CONTENT_TYPE_LATEST

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

    def render(self) -> bytes:
        """Return all metrics in OpenMetrics text."""
        text: bytes = generate_latest(self.registry)  # type: ignore[no-untyped-call]  # prometheus_client has no types here
        return text

    def describe(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, type and help of every metric, for the reference page."""
        for family in self.registry.collect():
            yield family.name, family.type, family.documentation


class ProcessCollector(Collector):
    """Memory, processor time and open files of this process, read from the kernel at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; the names are those which every Prometheus client library uses."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        yield CounterMetricFamily(
            "process_cpu_seconds", "User and system processor time, seconds.", value=usage.ru_utime + usage.ru_stime
        )
        yield GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory, bytes.", value=pages * resource.getpagesize()
        )
        yield GaugeMetricFamily(
            "process_open_fds", "Open file descriptors.", value=sum(1 for _ in Path("/proc/self/fd").iterdir())
        )
