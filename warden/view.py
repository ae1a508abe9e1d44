"""The part of the cluster that the warden watches, and what of it belongs together."""

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from common import chart_labels
from common.tasks import Tasks
from warden.api import ATTACHMENTS, CSI_NODES, NODES, PODS, VOLUMES, KubeApi, ResourceKind, Scope
from warden.cache import Cache
from warden.metrics import WardenMetrics
from warden.records import Attachment, PersistentVolume
from warden.rules import objects


class Watched(Protocol):
    """A cache of any kind of records."""

    kind: ResourceKind
    is_current: bool

    def __len__(self) -> int: ...

    async def run(self) -> None: ...  # noqa: D102


class View:
    """The cluster's nodes, the driver's volumes and attachments, and the pods of its node service."""

    def __init__(self, api: KubeApi, driver: str, namespace: str = "") -> None:
        """Give the ``namespace`` of the node service if its pods are to be watched, too."""
        self.nodes = Cache(api, NODES, partial(objects.node, driver=driver))
        self.csi_nodes = Cache(api, CSI_NODES, partial(objects.csi_node, driver=driver))
        self.volumes = Cache(api, VOLUMES, partial(objects.persistent_volume, driver=driver))
        self.attachments = Cache(api, ATTACHMENTS, partial(objects.attachment, driver=driver))
        of_driver = Scope(namespace, labels={chart_labels.DRIVER: driver})
        self.pods = Cache(api, PODS, partial(objects.service_pod, driver=driver), of_driver)
        self._with_pods = bool(namespace)

    def start(self, tasks: Tasks) -> None:
        """Begin to watch."""
        for cache in self._caches():
            tasks.background(cache.run(), f"watch of {cache.kind.plural}")

    def is_current(self) -> bool:
        """Tell whether all kinds are watched now."""
        return all(cache.is_current for cache in self._caches())

    def not_ready(self) -> str:
        """Return which kinds are not watched now, or nothing."""
        missing = [cache.kind.plural for cache in self._caches() if not cache.is_current]
        return f"not watching {', '.join(missing)}" if missing else ""

    def measure(self, metrics: WardenMetrics) -> None:
        """Let the metrics tell how much is kept, and whether it is current."""
        for cache in self._caches():
            metrics.objects.labels(cache.kind.name).set_function(partial(len, cache))
            metrics.current.labels(cache.kind.name).set_function(partial(_current, cache))

    def attached_to(self, node: str) -> list[tuple[Attachment, PersistentVolume]]:
        """Return the attachments to a node with their volumes, by name."""
        found = ((each, self.volumes.get(each.volume)) for each in self.attachments if each.node == node)
        known = [(attachment, volume) for attachment, volume in found if volume is not None]
        return sorted(known, key=lambda pair: pair[0].name)

    def _caches(self) -> Iterator[Watched]:
        yield from (self.nodes, self.csi_nodes, self.volumes, self.attachments)
        if self._with_pods:
            yield self.pods


def _current(cache: Watched) -> float:
    return float(cache.is_current)
