"""What the warden counts beside the process."""

from collections.abc import Callable

from prometheus_client.metrics import Counter, Gauge
from prometheus_client.registry import CollectorRegistry


class WardenMetrics:
    """The warden's metrics, in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.leading = Gauge("aiocsi_warden_leading", "1 while this warden holds the lease.", registry=registry)
        self.current = Gauge(
            "aiocsi_warden_current", "1 while a kind of objects is watched.", ["kind"], registry=registry
        )
        self.objects = Gauge("aiocsi_warden_objects", "Objects that are kept in memory.", ["kind"], registry=registry)
        self.events = Counter("aiocsi_warden_events", "Events written, by reason.", ["reason"], registry=registry)
        self.lost = Gauge(
            "aiocsi_nodes_lost",
            "Nodes whose server is off or gone, with volumes.",
            ["state"],
            registry=registry,
        )
        self.failovers = Counter("aiocsi_failovers", "What was done about lost nodes.", ["result"], registry=registry)

        self.start_taints = Gauge("aiocsi_start_taints", "Nodes that still have the startup taint.", registry=registry)
        self.unhealthy = Gauge(
            "aiocsi_claims_unhealthy",
            "Claims whose volume is not well, as the controller tells it.",
            ["status", "reason"],
            registry=registry,
        )
        self.health_rounds = Counter(
            "aiocsi_health_rounds",
            "Looks at the health of all volumes: judged, or incomplete because a list was not whole.",
            ["result"],
            registry=registry,
        )
        self.drift = Gauge(
            "aiocsi_drift",
            "Differences between cluster and cloud, by kind; no sample while a kind cannot be judged.",
            ["kind"],
            registry=registry,
        )
        self.drift_bytes = Gauge("aiocsi_drift_bytes", "Bytes that they concern.", ["kind"], registry=registry)
        self.drift_rounds = Counter(
            "aiocsi_drift_rounds",
            "Comparisons of cluster and cloud: judged, or incomplete because all volumes were not known.",
            ["result"],
            registry=registry,
        )

        self.draining = Gauge(
            "aiocsi_nodes_draining", "Nodes whose node service is told that they are being drained.", registry=registry
        )

    def watch(self, leading: Callable[[], float]) -> None:
        """Ask whether this warden leads, at each scrape."""
        self.leading.set_function(leading)
