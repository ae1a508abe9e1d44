"""Metrics of what the controller has under way: actions by result, and detaches that are still asked for.

A detach that does not come to its end keeps a volume from its next node, however quickly each call is answered; so it
is its age that counts, from the first call to the one that succeeds.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client.metrics import Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

ACTION_SECONDS = (1, 2, 5, 10, 20, 40, 60, 120, 300, 600)
FORGOTTEN_SECONDS = 600.0  # the attacher asks far more often, or another replica has the lease now


@dataclass
class _Detach:
    since: float
    asked: float
    calls: int = 0  # that are under way


class WorkMetrics(Collector):
    """Told of actions and detaches."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._detaches: dict[tuple[str, str | None], _Detach] = {}
        self._actions = Histogram(
            "aiocsi_action_seconds",
            "How long actions of the cloud took, from their start to the look that saw their end, seconds.",
            ["kind", "result"],
            buckets=ACTION_SECONDS,
            registry=registry,
        )
        if registry is not None:
            registry.register(self)

    def action_ended(self, kind: str, result: str, seconds: float) -> None:
        """Count an action; ``result`` is its state."""
        self._actions.labels(kind, result).observe(seconds)

    @contextmanager
    def detaching(self, volume_id: str, server_id: str | None) -> Iterator[None]:
        """A detach is asked for, and is pending until one call for it has ended well."""
        now = asyncio.get_running_loop().time()
        self._forget(now)
        detach = self._detaches.setdefault((volume_id, server_id), _Detach(now, now))
        detach.calls += 1
        try:
            yield
            self._detaches.pop((volume_id, server_id), None)
        finally:
            detach.asked = asyncio.get_running_loop().time()
            detach.calls -= 1

    def oldest_detach_seconds(self) -> float:
        """Return for how long the oldest pending detach has been asked for; 0 if there is none."""
        if not self._detaches:
            return 0.0
        now = asyncio.get_running_loop().time()
        self._forget(now)
        return max((now - each.since for each in self._detaches.values()), default=0.0)

    def _forget(self, now: float) -> None:
        old = [key for key, each in self._detaches.items() if not each.calls and now - each.asked > FORGOTTEN_SECONDS]
        for key in old:
            del self._detaches[key]

    def collect(self) -> Iterator[Metric]:
        """Yield the age of the oldest detach."""
        yield GaugeMetricFamily(
            "aiocsi_detach_pending_seconds",
            "For how long the oldest detach that has not succeeded has been asked for, seconds; 0: there is none.",
            value=self.oldest_detach_seconds(),
        )


class Levels(Collector):
    """Numbers that are read when they are asked for; one that is not known yet has no sample."""

    def __init__(self, registry: CollectorRegistry, help_of: Mapping[str, str]) -> None:
        self._help_of = help_of
        self._read: Mapping[str, Callable[[], float | None]] = {}
        registry.register(self)

    def watch(self, read: Mapping[str, Callable[[], float | None]]) -> None:
        """Read them so from now on."""
        self._read = {name: read[name] for name in self._help_of}

    def collect(self) -> Iterator[Metric]:
        """Yield all families."""
        for name, told in self._help_of.items():
            family = GaugeMetricFamily(name, told, labels=())
            if name in self._read and (value := self._read[name]()) is not None:
                family.add_metric((), value)
            yield family
