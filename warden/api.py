"""What the warden asks of the API server: a few verbs over plain objects, which are cut down as soon as they arrive."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from warden.rules.objects import Json

GONE, CONFLICT, NOT_FOUND, FORBIDDEN = 410, 409, 404, 403
NO_ANSWER, FAILED = 0, 500


class KubeError(Exception):
    """The API server refused, with its ``code``, or did not answer (NO_ANSWER)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {code})" if code else message)
        self.code = code

    @property
    def is_open(self) -> bool:
        """Whether what was asked for may have been done."""
        return self.code == NO_ANSWER or self.code >= FAILED


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind of objects."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = False


NODES = ResourceKind("", "v1", "Node", "nodes")
PODS = ResourceKind("", "v1", "Pod", "pods", namespaced=True)
EVENTS = ResourceKind("", "v1", "Event", "events", namespaced=True)
VOLUMES = ResourceKind("", "v1", "PersistentVolume", "persistentvolumes")
CLAIMS = ResourceKind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", namespaced=True)
LEASES = ResourceKind("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)
CSI_NODES = ResourceKind("storage.k8s.io", "v1", "CSINode", "csinodes")
CONTENTS = ResourceKind("snapshot.storage.k8s.io", "v1", "VolumeSnapshotContent", "volumesnapshotcontents")
ATTACHMENTS = ResourceKind("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects of a kind: of one namespace, with these fields and labels; empty: all."""

    namespace: str = ""
    fields: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None


EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class ListPage:
    """Some objects of a list, and the version that the list is of."""

    items: Sequence[Json]
    version: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a watch tells of an object: ADDED, MODIFIED or DELETED; or BOOKMARK, with nothing but a version."""

    what: str
    object: Json


OPENED = Change("BOOKMARK", {})  # the first of every watch: it is answered


class KubeApi(Protocol):
    """The API server. Each method raises KubeError, and nothing else."""

    def pages(self, kind: ResourceKind, scope: Scope = EVERYWHERE) -> AsyncIterator[ListPage]:
        """Yield all objects, a page at a time; code GONE: begin again."""
        ...

    def watch(self, kind: ResourceKind, version: str, scope: Scope = EVERYWHERE) -> AsyncIterator[Change]:
        """Yield OPENED, then what changes after ``version`` until the server ends it; code GONE: that is too old."""
        ...

    async def get(self, kind: ResourceKind, name: str, namespace: str = "") -> Json:
        """Return an object."""
        ...

    async def create(self, kind: ResourceKind, json: Json) -> Json:
        """Make an object; code CONFLICT: it is there."""
        ...

    async def replace(self, kind: ResourceKind, json: Json) -> Json:
        """Replace an object; code CONFLICT: it is not as it was read."""
        ...

    async def patch(self, kind: ResourceKind, name: str, steps: Sequence[Json], namespace: str = "") -> Json:
        """Apply a JSON patch; it is refused as a whole if a ``test`` fails."""
        ...

    async def apply_status(self, kind: ResourceKind, json: Json, manager: str) -> Json:
        """Apply what ``manager`` has to say of an object's status; what it no longer says is taken away."""
        ...

    async def merge(self, kind: ResourceKind, name: str, json: Json, namespace: str = "") -> Json:
        """Apply a merge patch."""
        ...


async def everything(api: KubeApi, kind: ResourceKind, scope: Scope = EVERYWHERE) -> AsyncIterator[Json]:
    """Yield all objects of a kind. Raises KubeError."""
    async for page in api.pages(kind, scope):
        for found in page.items:
            yield found
