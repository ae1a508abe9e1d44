"""An API server in memory that answers GET alone: lists with selectors and pages, objects, the pods' proxy and logs."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote

import httpx2

from kubectl_aiocsi.api import Api
from kubectl_aiocsi.records import Json, Object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The time by the server's clock, which stands still: a test may run long after its cases were put together."""

PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?P<rest>/.*)?$"
)
SERVED = {
    "": "pods persistentvolumeclaims persistentvolumes nodes events secrets configmaps services",
    "apps": "deployments daemonsets statefulsets replicasets",
    "storage.k8s.io": "volumeattachments csinodes csidrivers storageclasses",
    "coordination.k8s.io": "leases",
    "rbac.authorization.k8s.io": "clusterroles clusterrolebindings",
    "snapshot.storage.k8s.io": "volumesnapshots volumesnapshotcontents volumesnapshotclasses",
}


@dataclass
class ApiServer:
    """Holds objects by plural; ``forbidden`` plurals are refused, ``texts`` answer other paths."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    not_served: set[str] = field(default_factory=set)  # groups
    texts: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    page: int = 500
    date: str = format_datetime(NOW)  # what the answers say of the time

    def api(self, namespace: str = "shop") -> Api:
        """Return a client of it."""

        def dated(request: httpx2.Request) -> httpx2.Response:
            answer = self._answer(request)
            answer.headers["date"] = self.date
            return answer

        transport = httpx2.MockTransport(dated)
        return Api(httpx2.AsyncClient(transport=transport, base_url="https://api.example"), namespace)

    def add(self, plural: str, *new: Json) -> None:
        """Add objects."""
        self.objects.setdefault(plural, []).extend(new)

    def get(self, plural: str, name: str) -> Json:
        """Return one object, to be changed in place."""
        return next(each for each in self.objects[plural] if Object(each).name == name)

    def drop(self, plural: str, *names: str) -> None:
        """Remove objects; all of the kind without names."""
        self.objects[plural] = [each for each in self.objects[plural] if names and Object(each).name not in names]

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        self.asked.append((request.method, str(request.url)))
        if path in self.texts:
            status, text = self.texts[path]
            return httpx2.Response(status, text=text)
        found = PATH.match(path)
        if path == "/version":
            return httpx2.Response(200, json={"gitVersion": "v1.37.2"})
        if found is None or found["rest"]:
            return _status(404, f"the server could not find {path}")
        group, plural = found["group"] or "", found["plural"]
        if plural in self.forbidden:
            return _status(403, f'{plural} is forbidden: User "jo" cannot list resource "{plural}"')
        if group in self.not_served or plural not in SERVED.get(group, "").split():
            return _status(404, "the server could not find the requested resource")
        return self._objects(plural, found["namespace"] or "", found["name"] or "", dict(request.url.params))

    def _objects(self, plural: str, namespace: str, name: str, query: Mapping[str, str]) -> httpx2.Response:
        all_of_it = [each for each in map(Object, self.objects.get(plural, [])) if namespace in {"", each.namespace}]
        if name:
            one = next((each for each in all_of_it if each.name == name), None)
            return httpx2.Response(200, json=one.json) if one else _status(404, f'{plural} "{name}" not found')
        chosen = [each.json for each in all_of_it if all(_selected(each, query))]
        start = int(query.get("continue") or 0)
        more = str(start + self.page) if start + self.page < len(chosen) else ""
        return httpx2.Response(200, json={"items": chosen[start : start + self.page], "metadata": {"continue": more}})


def _selected(one: Object, query: Mapping[str, str]) -> Iterator[bool]:
    if label := unquote(query.get("labelSelector", "")):
        yield bool(one.label(label))
    if selector := unquote(query.get("fieldSelector", "")):
        path, _, value = selector.partition("=")
        yield one.text(*path.split(".")) == value


def _status(code: int, message: str) -> httpx2.Response:
    return httpx2.Response(code, text=json.dumps({"kind": "Status", "message": message, "code": code}))
