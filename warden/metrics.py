"""What the warden counts beside the process."""

from collections.abc import Callable
from functools import partial

from prometheus_client.metrics import Counter, Gauge
from prometheus_client.registry import CollectorRegistry


class WardenMetrics:
    """The warden's metrics, in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        gauge, counter = partial(Gauge, registry=registry), partial(Counter, registry=registry)
        self.leading = gauge("aiocsi_warden_leading", "1 while this warden holds the lease.")
        self.current = gauge("aiocsi_warden_current", "1 while a kind of objects is watched.", ["kind"])
        self.objects = gauge("aiocsi_warden_objects", "Objects that are kept in memory.", ["kind"])
        self.events = counter("aiocsi_warden_events", "Events written, by reason.", ["reason"])
        self.lost = gauge("aiocsi_nodes_lost", "Nodes whose server is off or gone, with volumes.", ["state"])
        self.failovers = counter("aiocsi_failovers", "What was done about lost nodes.", ["result"])
        self.start_taints = gauge("aiocsi_start_taints", "Nodes that still have the startup taint.")
        self.unhealthy = gauge(
            "aiocsi_claims_unhealthy",
            "Claims whose volume is not well, as the controller tells it.",
            ["status", "reason"],
        )
        self.health_rounds = counter(
            "aiocsi_health_rounds",
            "Looks at the health of all volumes: judged, or incomplete because a list was not whole.",
            ["result"],
        )
        self.drift = gauge(
            "aiocsi_drift",
            "Differences between cluster and cloud, by kind; no sample while a kind cannot be judged.",
            ["kind"],
        )
        self.drift_bytes = gauge("aiocsi_drift_bytes", "Bytes that they concern.", ["kind"])
        self.drift_rounds = counter(
            "aiocsi_drift_rounds",
            "Comparisons of cluster and cloud: judged, or incomplete because all volumes were not known.",
            ["result"],
        )
        self.draining = gauge("aiocsi_nodes_draining", "Nodes whose node service is told that they are being drained.")

    def watch(self, leading: Callable[[], float]) -> None:
        """Ask whether this warden leads, at each scrape."""
        self.leading.set_function(leading)
