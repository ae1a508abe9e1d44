"""Metrics of the requests to the cloud: by method, route and status, never by volume."""

from typing import Protocol

from prometheus_client.metrics import Counter, Histogram
from prometheus_client.registry import CollectorRegistry

ROUTE_WORDS = frozenset({"volumes", "actions", "snapshots", "droplets", "account", "regions", "tags", "resources"})
LONGEST_ROUTE = 8  # parts
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class RequestMetrics(Protocol):
    """Told of every request that was sent."""

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Take note of a request; ``status`` 0 means that no answer came."""
        ...


class CountedRequests:
    """Counts requests in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "aiocsi_cloud_requests",
            "Requests to the cloud, by method, route and status (0: no answer).",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "aiocsi_cloud_request_seconds",
            "How long the cloud took to answer, seconds.",
            ["method", "route"],
            buckets=SECONDS,
            registry=registry,
        )

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Take note of a request."""
        where = route(path)
        self._count.labels(method, where, str(status)).inc()
        self._seconds.labels(method, where).observe(seconds)


def route(path: str) -> str:
    """Return the path without the ids in it."""
    parts = [_part(number, part) for number, part in enumerate(path.split("/")[:LONGEST_ROUTE])]
    return "/".join(parts)


def _part(number: int, part: str) -> str:
    return part if number <= 1 or part in ROUTE_WORDS else "{id}"


LEVELS = {
    "aiocsi_cloud_rate_limit": "Requests an hour that the cloud allows; no sample until it has told.",
    "aiocsi_cloud_rate_limit_remaining": "API requests left in the hourly quota; no sample before the first answer.",
    "aiocsi_cloud_rate_allowance": "Requests a minute that we allow ourselves now.",
    "aiocsi_token_accepted": "1 if the cloud has let the API token in, and has not refused it since, else 0.",
    "aiocsi_actions_awaited": "Actions of the cloud that a call waits for.",
    "aiocsi_volumes_known": "Volumes that the controller knows of.",
}
