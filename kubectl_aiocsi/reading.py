"""Reads what a question needs, and notes what could not be read; nothing that is refused ends the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from kubectl_aiocsi import records
from kubectl_aiocsi.api import AbsentError, Api, NotReadError
from kubectl_aiocsi.records import Kind, Object, Page, Snapshot
from kubectl_aiocsi.rules.pods import used_claims

Found = TypeVar("Found")
Progress = Callable[[str], None]
FOR_WHY = (
    records.ATTACHMENTS,
    records.CLASSES,
    records.CSI_DRIVERS,
    records.CSI_NODES,
    records.DRIVER_PODS,
    records.NODES,
)
FOR_DRIFT = (
    records.ATTACHMENTS,
    records.CLAIMS,
    records.CLASSES,
    records.CSI_NODES,
    records.DRIVER_PODS,
    records.VOLUMES,
)
FOR_DOCTOR = (
    *FOR_WHY,
    records.CLAIMS,
    records.CLUSTER_ROLES,
    records.CLUSTER_ROLE_BINDINGS,
    records.DAEMON_SETS,
    records.DEPLOYMENTS,
    records.LEASES,
    records.PENDING_PODS,
    records.SNAPSHOTS,
    records.SNAPSHOT_CONTENTS,
    records.STATEFUL_SETS,
    records.TERMINATING_PODS,
    records.VOLUMES,
    records.WARNINGS,
)


class Reader:
    """Collects what is read into one snapshot."""

    def __init__(self, api: Api, driver: str, progress: Progress) -> None:
        self.api = api
        self._driver = driver
        self._progress = progress
        self._lists: dict[Kind, list[Object]] = {}
        self._unread: dict[Kind, str] = {}
        self._absent: set[Kind] = set()
        self._pages: dict[str, Page] = {}
        self._version = ""

    def snapshot(self) -> Snapshot:
        """Return what was read so far."""
        return Snapshot(
            self.api.now(),
            self._driver,
            self._lists,
            self._unread,
            frozenset(self._absent),
            self._pages,
            self._version,
        )

    async def every(self, kinds: Iterable[Kind], namespace: str = "") -> None:
        """Read all objects of these kinds, those of a namespace if one is named."""

        async def read(kind: Kind) -> None:
            self._progress(f"reading {kind.plural}")
            found = await self._try(kind, self.api.every(kind, namespace if kind.namespaced else ""))
            self._lists.setdefault(kind, []).extend(found or [])

        await asyncio.gather(*map(read, kinds))

    async def one(self, kind: Kind, name: str, namespace: str = "") -> Object:
        """Read one object; an empty one if there is none. A kind of which one was forbidden counts as not read."""
        self._progress(f"reading {kind.plural} {name}")
        known = self.snapshot().find(kind, name, namespace)
        if known:
            return known
        found = await self._try(kind, self.api.one(kind, name, namespace), one=True)
        self._lists.setdefault(kind, []).extend([found] if found else [])
        return found or records.NOTHING

    async def events_of(self, namespace: str, name: str) -> None:
        """Read the events about an object; those about objects without a namespace are in ``default``."""
        about = Kind("events", query=f"fieldSelector=involvedObject.name%3D{name}")
        found = await self._try(records.EVENTS, self.api.every(about, namespace or "default"))
        self._lists.setdefault(records.EVENTS, []).extend(found or [])

    async def version(self) -> None:
        """Read the version of Kubernetes."""
        try:
            self._version = (await self.api.json("/version")).text("gitVersion")
        except NotReadError:
            self._version = ""

    async def pages_of(self, pods: Iterable[Object], parts: tuple[str, ...] = ("readyz", "metrics")) -> None:
        """Read what pods of the driver answer over HTTP, through the API server's proxy."""

        async def read(pod: Object) -> None:
            self._progress(f"asking pod {pod.name}")
            self._pages[pod.full_name] = await self._page(pod, parts)

        await asyncio.gather(*map(read, pods))

    async def _page(self, pod: Object, parts: tuple[str, ...]) -> Page:
        ports = [port for each in pod.each("spec", "containers") for port in each.each("ports")]
        port = next((each.number("containerPort") for each in ports if each.text("name") == "http"), 0)
        if not port:
            return Page(problem="it has no port named http")
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}:{port}/proxy"
        found: dict[str, str] = {}
        problem = ""
        for part in parts:
            try:
                found[part] = await self.api.text(f"{path}/{part}{f'/{pod.uid}' if part == 'volumes' else ''}")
            except NotReadError as error:
                problem = problem or str(error)
        return Page(found.get("readyz", ""), found.get("metrics", ""), found.get("volumes", ""), problem)

    async def _try(self, kind: Kind, reading: Awaitable[Found], *, one: bool = False) -> Found | None:
        try:
            return await reading
        except AbsentError:
            if not one:
                self._absent.add(kind)
        except NotReadError as error:
            self._unread[kind] = str(error)
        return None


async def for_why(reader: Reader, asked: Kind, name: str, namespace: str) -> None:
    """Read what the chain of one object needs: its claims, volumes, attachments, nodes, and the events about them.

    Raises NotReadError if the API server does not answer at all.
    """
    await reader.api.json("/version")
    await reader.every(FOR_WHY)
    found = await reader.one(asked, name, namespace)
    if asked is records.PODS:
        await _around_pods(reader, [found])
    elif asked is records.CLAIMS:
        await _around_claim(reader, namespace, name)
    elif asked is records.VOLUMES:
        await reader.events_of("", name)
        about = found.text("spec", "claimRef", "namespace"), found.text("spec", "claimRef", "name")
        if all(about):
            await _around_claim(reader, *about)
    else:
        await reader.every([records.VOLUMES])
    await _driver_events(reader)


async def _around_claim(reader: Reader, namespace: str, name: str) -> None:
    await reader.every([records.PODS], namespace)
    users = [pod for pod in reader.snapshot().every(records.PODS) if name in used_claims(pod)]
    await _around_pods(reader, users)
    await _claim(reader, namespace, name)


async def _around_pods(reader: Reader, pods: Iterable[Object]) -> None:
    for pod in filter(None, pods):
        await reader.events_of(pod.namespace, pod.name)
        for name in sorted(used_claims(pod)):
            await _claim(reader, pod.namespace, name)


async def _claim(reader: Reader, namespace: str, name: str) -> None:
    claim = await reader.one(records.CLAIMS, name, namespace)
    await reader.events_of(namespace, name)
    if volume := claim.text("spec", "volumeName"):
        await reader.one(records.VOLUMES, volume)
        await reader.events_of("", volume)


async def _driver_events(reader: Reader) -> None:
    """Read the events about those pods of the driver that are not ready."""
    for pod in reader.snapshot().every(records.DRIVER_PODS):
        if pod.condition("Ready").text("status") != "True":
            await reader.events_of(pod.namespace, pod.name)


async def for_doctor(api: Api, driver: str, progress: Progress) -> Snapshot:
    """Read what the checks need. Raises NotReadError if the API server does not answer at all."""
    reader = Reader(api, driver, progress)
    await api.json("/version")
    await asyncio.gather(reader.every(FOR_DOCTOR), reader.version())
    await reader.pages_of([*reader.snapshot().pods("controller")])
    return reader.snapshot()


async def for_drift(api: Api, driver: str, progress: Progress) -> Snapshot:
    """Read what is compared with the cloud, and what the controller knows of it. Raises NotReadError."""
    reader = Reader(api, driver, progress)
    await api.json("/version")
    await reader.every(FOR_DRIFT)
    await reader.pages_of([*reader.snapshot().pods("controller")], ("volumes",))
    return reader.snapshot()
