"""What was read of a cluster: its objects as the API server has them, and what could not be read.

Source: Kubernetes API reference 1.37 (metadata, status, conditions, Event).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from common import chart_labels

Json = dict[str, object]
DEFAULT_DRIVER = "dobs.csi.digitalocean.com"
DRIVER_LABEL = chart_labels.DRIVER


class Kind(NamedTuple):
    """One kind of object of the API: what is listed, with its selectors, and where."""

    plural: str
    group: str = ""
    version: str = "v1"
    query: str = ""  # for the URL, such as fieldSelector=type=Warning
    namespaced: bool = True
    deleting: bool = False  # only those that are being deleted are kept: no selector tells them

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path below the API server's root."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{inside}/{self.plural}{f'/{name}' if name else ''}"


_STORAGE, _SNAPSHOT, _RBAC = "storage.k8s.io", "snapshot.storage.k8s.io", "rbac.authorization.k8s.io"
PODS = Kind("pods")
PENDING_PODS = Kind("pods", query="fieldSelector=status.phase%3DPending")
TERMINATING_PODS = Kind("pods", deleting=True)
DRIVER_PODS = Kind("pods", query=f"labelSelector={DRIVER_LABEL.replace('/', '%2F')}")
CLAIMS = Kind("persistentvolumeclaims")
VOLUMES = Kind("persistentvolumes", namespaced=False)
NODES = Kind("nodes", namespaced=False)
EVENTS = Kind("events")
WARNINGS = Kind("events", query="fieldSelector=type%3DWarning")
ATTACHMENTS = Kind("volumeattachments", _STORAGE, namespaced=False)
CSI_NODES = Kind("csinodes", _STORAGE, namespaced=False)
CSI_DRIVERS = Kind("csidrivers", _STORAGE, namespaced=False)
CLASSES = Kind("storageclasses", _STORAGE, namespaced=False)
DEPLOYMENTS = Kind("deployments", "apps")
DAEMON_SETS = Kind("daemonsets", "apps")
STATEFUL_SETS = Kind("statefulsets", "apps")
LEASES = Kind("leases", "coordination.k8s.io")
CLUSTER_ROLES = Kind("clusterroles", _RBAC, namespaced=False)
CLUSTER_ROLE_BINDINGS = Kind("clusterrolebindings", _RBAC, namespaced=False)
SNAPSHOTS = Kind("volumesnapshots", _SNAPSHOT)
SNAPSHOT_CONTENTS = Kind("volumesnapshotcontents", _SNAPSHOT, namespaced=False)
SNAPSHOT_CLASSES = Kind("volumesnapshotclasses", _SNAPSHOT, namespaced=False)
ENDED = {"Succeeded", "Failed"}  # phases of a pod whose containers have ended for good


@dataclass(frozen=True)
class Object:
    """One object, as the API server has it."""

    json: Json

    def at(self, *path: str) -> object:
        """Return what is at the path, None if there is nothing."""
        found: object = self.json
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def text(self, *path: str) -> str:
        """Return the text at the path, empty if there is none."""
        found = self.at(*path)
        return "" if found is None else str(found)

    def number(self, *path: str) -> int:
        """Return the number at the path, 0 if there is none."""
        found = self.at(*path)
        return found if isinstance(found, int) else 0

    def each(self, *path: str) -> "Sequence[Object]":
        """Return the objects in the list at the path."""
        found = self.at(*path)
        return [Object(item) for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def words(self, *path: str) -> list[str]:
        """Return the texts in the list at the path."""
        found = self.at(*path)
        return [str(item) for item in found] if isinstance(found, list) else []

    def time(self, *path: str) -> datetime | None:
        """Return the time at the path, None if there is none."""
        return moment(self.text(*path))

    @property
    def name(self) -> str:
        """The object's name."""
        return self.text("metadata", "name")

    @property
    def namespace(self) -> str:
        """The object's namespace, empty if it is in none."""
        return self.text("metadata", "namespace")

    @property
    def uid(self) -> str:
        """What tells the object from others of its name."""
        return self.text("metadata", "uid")

    @property
    def full_name(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def created(self) -> datetime | None:
        """When it was made."""
        return self.time("metadata", "creationTimestamp")

    @property
    def deleted(self) -> datetime | None:
        """When its deletion was asked for, None if it was not."""
        return self.time("metadata", "deletionTimestamp")

    def label(self, key: str) -> str:
        """Return a label, empty if it is not set."""
        return self.text("metadata", "labels", key)

    def annotation(self, key: str) -> str:
        """Return an annotation, empty if it is not set."""
        return self.text("metadata", "annotations", key)

    def condition(self, kind: str) -> "Object":
        """Return a condition of the status, an empty object if it is not there."""
        found = (each for each in self.each("status", "conditions") if each.text("type") == kind)
        return next(found, NOTHING)

    def __bool__(self) -> bool:
        return bool(self.json)


NOTHING = Object({})


def moment(text: str) -> datetime | None:
    """Return the moment that an RFC 3339 text tells, None if it tells none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Page:
    """What one pod of the driver answers over HTTP; empty texts if it was not asked."""

    ready: str = ""  # the body of /readyz
    metrics: str = ""
    volumes: str = ""  # the body of /volumes/UID
    problem: str = ""  # why nothing was read


def is_part(one: Object, part: str) -> bool:
    """Whether an object is of ``controller`` or ``node``."""
    return chart_labels.is_part(one.label(chart_labels.COMPONENT), part)


@dataclass(frozen=True)
class Snapshot:
    """A cluster at one moment; a list that could not be read is in ``unread`` with the reason."""

    now: datetime
    driver: str = DEFAULT_DRIVER
    lists: Mapping[Kind, Sequence[Object]] = field(default_factory=dict)
    unread: Mapping[Kind, str] = field(default_factory=dict)
    absent: frozenset[Kind] = frozenset()  # kinds that the API server does not serve
    pages: Mapping[str, Page] = field(default_factory=dict)  # by the pod's full name
    server_version: str = ""  # of Kubernetes, such as v1.37.2

    def every(self, kind: Kind) -> Sequence[Object]:
        """Return the objects of a kind; none if it was not read."""
        return self.lists.get(kind, ())

    def find(self, kind: Kind, name: str, namespace: str = "") -> Object:
        """Return one object, an empty one if there is none."""
        if kind not in self._named:
            self._named[kind] = {(each.name, each.namespace): each for each in self.every(kind)}
        return self._named[kind].get((name, namespace), NOTHING)

    @cached_property
    def _named(self) -> dict[Kind, dict[tuple[str, str], Object]]:
        return {}

    def is_ours(self, volume: Object) -> bool:
        """Whether a PersistentVolume is of the driver."""
        return volume.text("spec", "csi", "driver") == self.driver

    def pods(self, component: str) -> Iterator[Object]:
        """Yield the driver's own pods, of ``controller`` or ``node``; one that was evicted is none any more."""
        for pod in self.every(DRIVER_PODS):
            ours = pod.label(DRIVER_LABEL) == self.driver and is_part(pod, component)
            if ours and pod.text("status", "phase") not in ENDED:
                yield pod

    def events_of(self, one: Object, kind: str) -> list[Object]:
        """Return the events about an object, the newest first; of another object that had its name before, none."""
        about = self._events.get((kind, one.name), [])
        namespaces = {one.namespace, "", "default"}
        return newest_first(
            each
            for each in about
            if each.text("involvedObject", "namespace") in namespaces
            and each.text("involvedObject", "uid") in {one.uid, ""}
        )

    @cached_property
    def _events(self) -> dict[tuple[str, str], list[Object]]:
        found: dict[tuple[str, str], list[Object]] = {}
        for each in (*self.every(EVENTS), *self.every(WARNINGS)):
            about = each.text("involvedObject", "kind"), each.text("involvedObject", "name")
            found.setdefault(about, []).append(each)
        return found


def last_seen(event: Object) -> datetime | None:
    """Return when an event was seen last."""
    paths = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("metadata", "creationTimestamp"))
    return next((found for path in paths if (found := event.time(*path))), None)


def first_seen(event: Object) -> datetime | None:
    """Return when an event was seen first."""
    paths = (("firstTimestamp",), ("eventTime",), ("metadata", "creationTimestamp"))
    return next((found for path in paths if (found := event.time(*path))), None)


def is_older(event: Object, times: Iterable[datetime | None]) -> bool:
    """Whether an event was seen for the last time before one of these: it is about how things were before."""
    seen = last_seen(event)
    return seen is not None and any(seen < each for each in times if each is not None)


def newest_first(events: Iterable[Object]) -> list[Object]:
    """Return events by when they were seen last."""
    return sorted(events, key=lambda event: str(last_seen(event) or ""), reverse=True)
