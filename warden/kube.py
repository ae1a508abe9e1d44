"""The API server over HTTP: lightkube knows where it is and who we are; the objects stay plain, to save memory.

Source: Kubernetes "API concepts" (paged lists, watches, bookmarks, patches).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

import httpx2
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ConfigError

from common import errors
from warden.api import EVERYWHERE, GONE, NO_ANSWER, OPENED, Change, KubeError, ListPage, ResourceKind, Scope
from warden.codes import Code
from warden.rules.objects import Json, each, text

PAGE = 50  # objects: what a page takes while it is read is not all given back, so a large one costs memory for ever
WATCH_SECONDS = 290  # the server ends a watch then
SILENCE_SECONDS = 150.0  # a bookmark comes about every minute: after so long the connection is dead
ANSWER_SECONDS = 15.0  # for everything else
CONNECTIONS = 16
JSON, JSON_PATCH, MERGE_PATCH = "application/json", "application/json-patch+json", "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


def connect() -> httpx2.AsyncClient:
    """Return what speaks to the API server of this pod, or of KUBECONFIG. Raises FailedPrecondition."""
    try:
        config = KubeConfig.from_env().get()
    except ConfigError as error:
        raise errors.FailedPrecondition(
            f"there is no API server to ask: {error}",
            remedy="run it in a pod with a service account token, or set KUBECONFIG",
            error_code=Code.NO_API_SERVER,
        ) from error
    assert config is not None  # noqa: S101  # for the types alone: get() of a file that was read returns one
    return AsyncClient(config, ConnectionParams(timeout=httpx2.Timeout(ANSWER_SECONDS)))


class Kube:
    """Asks the API server. See KubeApi for errors."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def pages(self, kind: ResourceKind, scope: Scope = EVERYWHERE) -> AsyncIterator[ListPage]:
        """Yield all objects, a page at a time."""
        more = ""
        while True:
            asked = {"limit": str(PAGE), **_selected(scope), **({"continue": more} if more else {})}
            found = await self._ask("GET", _path(kind, scope.namespace), asked)
            yield ListPage(tuple(each(found, "items")), text(found, "metadata", "resourceVersion"))
            more = text(found, "metadata", "continue")
            if not more:
                return

    async def watch(self, kind: ResourceKind, version: str, scope: Scope = EVERYWHERE) -> AsyncIterator[Change]:
        """Yield what changes after ``version``, until the server ends it."""
        asked = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
            **_selected(scope),
        }
        async with self._stream(_path(kind, scope.namespace), asked) as lines:
            yield OPENED
            async for line in lines:
                yield _change(line)

    async def get(self, kind: ResourceKind, name: str, namespace: str = "") -> Json:
        """Return an object."""
        return await self._ask("GET", f"{_path(kind, namespace)}/{name}")

    async def create(self, kind: ResourceKind, json: Json) -> Json:
        """Make an object."""
        return await self._ask("POST", _path(kind, text(json, "metadata", "namespace")), body=json)

    async def replace(self, kind: ResourceKind, json: Json) -> Json:
        """Replace an object."""
        path = f"{_path(kind, text(json, 'metadata', 'namespace'))}/{text(json, 'metadata', 'name')}"
        return await self._ask("PUT", path, body=json)

    async def patch(self, kind: ResourceKind, name: str, steps: Sequence[Json], namespace: str = "") -> Json:
        """Apply a JSON patch."""
        return await self._ask("PATCH", f"{_path(kind, namespace)}/{name}", body=list(steps), sort=JSON_PATCH)

    async def apply_status(self, kind: ResourceKind, json: Json, manager: str) -> Json:
        """Apply what ``manager`` has to say of an object's status."""
        path = f"{_path(kind, text(json, 'metadata', 'namespace'))}/{text(json, 'metadata', 'name')}/status"
        return await self._ask("PATCH", path, {"fieldManager": manager, "force": "true"}, body=json, sort=APPLY)

    async def merge(self, kind: ResourceKind, name: str, json: Json, namespace: str = "") -> Json:
        """Apply a merge patch."""
        return await self._ask("PATCH", f"{_path(kind, namespace)}/{name}", body=json, sort=MERGE_PATCH)

    async def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: Json | Sequence[Json] | None = None,
        sort: str = JSON,
    ) -> Json:
        content = None if body is None else json.dumps(body).encode()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._client.request(
                    method, path, params=params, content=content, headers={"Content-Type": sort}
                )
        except (httpx2.HTTPError, OSError, TimeoutError, ConfigError) as error:
            raise KubeError(NO_ANSWER, f"{method} {path}: no answer: {str(error) or type(error).__name__}") from error
        if answer.is_error:
            told = text(_object(answer.content), "message")
            raise KubeError(answer.status_code, f"{method} {path}: {told or answer.reason_phrase}")
        return _whole(answer.content, f"{method} {path}")

    @asynccontextmanager
    async def _stream(self, path: str, params: Mapping[str, str]) -> AsyncIterator[AsyncIterator[str]]:
        timeout = httpx2.Timeout(ANSWER_SECONDS, read=SILENCE_SECONDS)
        try:
            async with self._client.stream("GET", path, params=params, timeout=timeout) as answer:
                if answer.is_error:
                    found = _object(await answer.aread())
                    raise KubeError(answer.status_code, f"watch {path}: {text(found, 'message')}")
                yield answer.aiter_lines()
        except (httpx2.HTTPError, OSError, ConfigError) as error:
            raise KubeError(NO_ANSWER, f"watch {path}: no answer: {str(error) or type(error).__name__}") from error


def _change(line: str) -> Change:
    """Return what one line of a watch tells. Raises KubeError if the server ends the watch with an error."""
    found = _whole(line.encode(), "watch")
    what = cast("Json", found.get("object") or {})
    if text(found, "type") == "ERROR":
        code = what.get("code")
        raise KubeError(code if isinstance(code, int) else GONE, f"watch: {text(what, 'message')}")
    return Change(text(found, "type"), what)


def _whole(content: bytes, asked: str) -> Json:
    """Return the object that was answered. Raises KubeError if it is none: a proxy's page is not an empty list."""
    if not (found := _object(content)):
        raise KubeError(NO_ANSWER, f"{asked}: the answer is no object: {content[:80].decode(errors='replace')}")
    return found


def _object(content: bytes) -> Json:
    try:
        found: object = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _selected(scope: Scope) -> dict[str, str]:
    found = {"fieldSelector": scope.fields, "labelSelector": scope.labels}
    return {key: ",".join(f"{name}={value}" for name, value in pairs.items()) for key, pairs in found.items() if pairs}


def _path(kind: ResourceKind, namespace: str) -> str:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/{namespace}/{kind.plural}" if namespace else f"{root}/{kind.plural}"
