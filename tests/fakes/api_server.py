"""An API server in memory: versions, conflicts, paged lists, watches with a bounded history, JSON patches, absences.

Source: Kubernetes "API concepts"; RFC 6902.
"""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from typing import cast

from warden import api
from warden.api import EVERYWHERE, Change, KubeError, ListPage, ResourceKind, Scope
from warden.rules.objects import Json, at, name_of, text

HISTORY = 100  # changes that a watch may be behind
PAGE = 3
INVALID = 422

Object = dict[str, object]


@dataclass
class FakeApiServer:
    """One cluster's objects."""

    away: bool = False
    deaf: bool = False  # watches are open, and nothing comes
    objects: dict[ResourceKind, dict[str, Object]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)  # verbs that are forbidden
    volume_health: bool = True  # the feature gate CSIVolumeHealth
    refuses_health: str = ""  # the message of an API server that does not have the field
    unheard: bool = False  # what is applied takes effect, and its caller never learns
    lose_reply: bool = False  # the next change takes effect, and its caller never learns
    calls: list[str] = field(default_factory=list)
    latency: Callable[[], float] = lambda: 0.0
    version: int = 0
    oldest: int = 0
    history: list[tuple[int, ResourceKind, Change]] = field(default_factory=list)
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, kind: ResourceKind, found: Json) -> Object:
        """Make or replace an object, as somebody else does."""
        made = cast("Object", json.loads(json.dumps(found)))
        metadata = cast("Object", made.setdefault("metadata", {}))
        before = self.of(kind).get(name_of(made))
        self.version += 1
        uid = (
            text(before, "metadata", "uid")
            or text(metadata, "uid")
            or f"uid-{kind.name}-{name_of(made)}-{self.version}"
        )
        metadata.update(resourceVersion=str(self.version), uid=uid)
        self.of(kind)[name_of(made)] = made
        self._tell(kind, "MODIFIED" if before else "ADDED", made)
        return made

    def remove(self, kind: ResourceKind, name: str) -> None:
        """Delete an object, as somebody else does."""
        gone = copy.deepcopy(self.of(kind).pop(name))
        self.version += 1
        cast("Object", gone["metadata"])["resourceVersion"] = str(self.version)
        self._tell(kind, "DELETED", gone)

    def change(self, kind: ResourceKind, name: str, steps: Sequence[Json]) -> None:
        """Apply a JSON patch, as somebody else does."""
        self.put(kind, patched(self.of(kind)[name], steps))

    def of(self, kind: ResourceKind) -> dict[str, Object]:
        """Return the objects of a kind."""
        return self.objects.setdefault(kind, {})

    def forget_history(self) -> None:
        """Let every watch that begins at an older version be refused."""
        self.oldest = self.version
        self._ring()

    def end_watches(self) -> None:
        """Close every connection."""
        self._ring()

    def _tell(self, kind: ResourceKind, what: str, found: Object) -> None:
        self.history.append((self.version, kind, Change(what, copy.deepcopy(found))))
        if len(self.history) > HISTORY:
            self.oldest = self.history.pop(0)[0]
        self._ring()

    def _ring(self) -> None:
        self._bell.set()
        self._bell = asyncio.Event()

    async def _arrive(self, verb: str, kind: ResourceKind) -> None:
        self.calls.append(f"{verb} {kind.plural}")
        await asyncio.sleep(self.latency())
        if self.away:
            raise KubeError(api.NO_ANSWER, "no answer")
        if f"{verb} {kind.plural}" in self.refused:
            raise KubeError(api.FORBIDDEN, f"may not {verb} {kind.plural}")

    def _reply(self, found: Object) -> Json:
        if self.lose_reply:
            self.lose_reply = False
            raise KubeError(api.NO_ANSWER, "no answer")
        return copy.deepcopy(found)

    def _selected(self, kind: ResourceKind, scope: Scope) -> list[Object]:
        return [found for found in self.of(kind).values() if _fits(found, scope)]

    async def pages(self, kind: ResourceKind, scope: Scope = EVERYWHERE) -> AsyncIterator[ListPage]:
        found, version = copy.deepcopy(self._selected(kind, scope)), str(self.version)
        for first in range(0, max(1, len(found)), PAGE):
            await self._arrive("list", kind)
            if first and int(version) < self.oldest:
                raise KubeError(api.GONE, "the list has expired")
            yield ListPage(found[first : first + PAGE], version)

    async def watch(self, kind: ResourceKind, version: str, scope: Scope = EVERYWHERE) -> AsyncIterator[Change]:
        await self._arrive("watch", kind)
        last = int(version)
        if last < self.oldest:
            raise KubeError(api.GONE, "too old resource version")
        yield api.OPENED
        while True:
            bell = self._bell
            for number, of, change in list(self.history):
                if number > last and of == kind and not self.deaf and _fits(change.object, scope):
                    yield change
            last = last if self.deaf else self.version
            await bell.wait()
            if self.away:
                raise KubeError(api.NO_ANSWER, "connection lost")
            if last < self.oldest:
                raise KubeError(api.GONE, "too old resource version")

    async def get(self, kind: ResourceKind, name: str, namespace: str = "") -> Json:
        await self._arrive("get", kind)
        return copy.deepcopy(self._find(kind, name, namespace))

    async def create(self, kind: ResourceKind, json: Json) -> Json:
        await self._arrive("create", kind)
        if name_of(json) in self.of(kind):
            raise KubeError(api.CONFLICT, f"{name_of(json)} already exists")
        return self._reply(self.put(kind, json))

    async def replace(self, kind: ResourceKind, json: Json) -> Json:
        await self._arrive("update", kind)
        found = self._find(kind, text(json, "metadata", "name"), text(json, "metadata", "namespace"))
        if text(json, "metadata", "resourceVersion") != text(found, "metadata", "resourceVersion"):
            raise KubeError(api.CONFLICT, "the object has been modified")
        return self._reply(self.put(kind, json))

    async def patch(self, kind: ResourceKind, name: str, steps: Sequence[Json], namespace: str = "") -> Json:
        await self._arrive("patch", kind)
        return self._reply(self.put(kind, patched(self._find(kind, name, namespace), steps)))

    async def apply_status(self, kind: ResourceKind, json: Json, manager: str) -> Json:
        """Apply to a claim's health alone, as one manager."""
        await self._arrive("apply", kind)
        name, namespace = text(json, "metadata", "name"), text(json, "metadata", "namespace")
        found = self._find(kind, name, namespace)
        if text(json, "metadata", "uid") != text(found, "metadata", "uid"):
            raise KubeError(api.CONFLICT, "the object has been replaced")
        if self.refuses_health:
            raise KubeError(INVALID, self.refuses_health)
        health = at(json, "status", "healthStatus") if self.volume_health else None
        fields = [{"manager": manager}] if health else []
        made = merged(found, {"status": {"healthStatus": health}, "metadata": {"managedFields": fields}})
        self.lose_reply = self.lose_reply or self.unheard
        return self._reply(self.put(kind, made))

    async def merge(self, kind: ResourceKind, name: str, json: Json, namespace: str = "") -> Json:
        await self._arrive("patch", kind)
        found = self._find(kind, name, namespace)
        if text(json, "metadata", "uid") not in {"", text(found, "metadata", "uid")}:
            raise KubeError(api.CONFLICT, "the uid is another object's")
        return self._reply(self.put(kind, merged(found, json)))

    def _find(self, kind: ResourceKind, name: str, namespace: str) -> Object:
        found = self.of(kind).get(f"{namespace}/{name}" if namespace else name)
        if found is None:
            raise KubeError(api.NOT_FOUND, f"{kind.plural} {name} not found")
        return found


def _fits(found: Json, scope: Scope) -> bool:
    labels, fields = scope.labels or {}, scope.fields or {}
    return (
        (not scope.namespace or text(found, "metadata", "namespace") == scope.namespace)
        and all(text(found, "metadata", "labels", key) == value for key, value in labels.items())
        and all(text(found, *key.split(".")) == value for key, value in fields.items())
    )


def patched(found: Json, steps: Sequence[Json]) -> Object:
    """Return an object with a JSON patch applied. Raises KubeError if a step of it cannot be."""
    made: Object = copy.deepcopy(dict(found))
    for step in steps:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in text(step, "path").split("/")[1:]]
        _apply(_follow(made, way), last, step)
    return made


def _follow(found: object, way: Sequence[str]) -> object:
    for part in way:
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, Sequence) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            raise KubeError(INVALID, f"there is no {part}")
    return found


def _apply(holder: object, last: str, step: Json) -> None:
    if step["op"] == "test":
        if _follow(holder, [last]) != step["value"]:
            raise KubeError(INVALID, f"test of {step['path']} failed")
    elif step["op"] == "remove":
        _follow(holder, [last])
        del cast("MutableMapping[object, object]", holder)[int(last) if isinstance(holder, list) else last]
    elif isinstance(holder, MutableSequence):
        holder.insert(len(holder) if last == "-" else int(last), step["value"])
    else:
        cast("Object", holder)[last] = step["value"]


def merged(found: Json, changes: Json) -> Object:
    """Return an object with a merge patch applied."""
    made: Object = copy.deepcopy(dict(found))
    for key, value in changes.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping):
            below = at(made, key)
            made[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            made[key] = value
    return made
