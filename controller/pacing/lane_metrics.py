"""How many requests wait in each lane of the budget."""

from collections.abc import Callable, Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from controller.pacing.lanes import Lane


class LaneMetrics(Collector):
    """Reads it at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting: Callable[[Lane], int] = lambda _: 0
        registry.register(self)

    def watch(self, waiting: Callable[[Lane], int]) -> None:
        """Ask this from now on."""
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        """Yield one sample a lane."""
        family = GaugeMetricFamily(
            "aiocsi_cloud_requests_waiting",
            "Requests that wait for the rate limit, by purpose.",
            labels=["lane"],
        )
        for lane in Lane:
            family.add_metric([lane.name.lower()], self._waiting(lane))
        yield family
