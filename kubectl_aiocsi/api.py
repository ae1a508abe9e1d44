"""The API server, with the caller's kubeconfig: this module alone sends requests, and sends GET alone.

Source: Kubernetes "API concepts" (paged lists, status codes) and "Access services running on clusters" (pod proxy).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

import httpx2
from lightkube.core.exceptions import ConfigError

from kubectl_aiocsi import kubeconfig
from kubectl_aiocsi.kubeconfig import ANSWER_SECONDS
from kubectl_aiocsi.records import Kind, Object

PAGE = 500  # objects
LONGEST_LIST = 50_000  # objects: what is more is not read, and said
NO_CREDENTIAL = (ConfigError, FileNotFoundError, PermissionError, LookupError, TypeError, ValueError)
LARGEST_TEXT = 64 * 1024 * 1024  # bytes of one answer


class NotReadError(Exception):
    """Something could not be read; the text tells why."""


class ForbiddenError(NotReadError):
    """The caller has no right to read it."""


class AbsentError(NotReadError):
    """It does not exist, or the API server does not serve this kind."""


@dataclass(frozen=True)
class Where:
    """Which cluster, as which of the kubeconfig's contexts, in which namespace if none is named."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""


class Api:
    """Reads objects and texts. Each method raises NotReadError."""

    def __init__(self, client: httpx2.AsyncClient, namespace: str) -> None:
        self._client = client
        self._ahead: timedelta | None = None  # of our clock, as the first answer tells
        self.namespace = namespace
        self._at_once = asyncio.Semaphore(8)  # a laptop's link to a busy API server

    def now(self) -> datetime:
        """Return the time by the API server's clock: by it objects say since when something is so."""
        return datetime.now(UTC) + (self._ahead or timedelta(0))

    async def every(self, kind: Kind, namespace: str = "") -> list[Object]:
        """Return all objects of a kind, those of a namespace if one is named."""
        found: list[Object] = []
        more, read = "", 0
        while read < LONGEST_LIST:
            query = "&".join(filter(None, [f"limit={PAGE}", kind.query, f"continue={more}" if more else ""]))
            page = await self.json(f"{_path(kind, namespace)}?{query}")
            items = page.each("items")
            read += len(items)
            found += [each for each in items if each.deleted is not None or not kind.deleting]
            more = page.text("metadata", "continue")
            if not more:
                return found
        raise NotReadError(f"there are more than {LONGEST_LIST} {kind.plural}: name one namespace")

    async def one(self, kind: Kind, name: str, namespace: str = "") -> Object:
        """Return one object."""
        return await self.json(_path(kind, namespace, name))

    async def json(self, path: str) -> Object:
        """Return the object that is answered: what is none, as a page to sign in, is not the API server's."""
        answer = await self.text(path)
        if not (found := _json(answer)):
            told = " ".join(answer.split())[:80]
            raise NotReadError(f"GET {path.partition('?')[0]}: {self._client.base_url.host} answers no object: {told}")
        return found

    async def text(self, path: str) -> str:
        """Return the body that the API server answers; of a pod behind its proxy also that of a failure."""
        try:
            async with self._at_once, asyncio.timeout(ANSWER_SECONDS):
                answer = await self._client.get(path)
        except NO_CREDENTIAL as error:
            odd = isinstance(error, LookupError | TypeError | ValueError)
            why = f"its plugin gave no token ({error})" if odd else str(error)
            said = f"the kubeconfig's credentials cannot be used: {why}; try kubectl cluster-info"
            raise NotReadError(said) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise NotReadError(
                f"the API server at {self._client.base_url.host} does not answer: {why}; try kubectl cluster-info"
            ) from error
        if self._ahead is None:
            self._ahead = _ahead(answer.headers.get("date", ""))
        body = answer.content[:LARGEST_TEXT].decode(errors="replace")
        if answer.is_redirect:
            to = answer.headers.get("location", "")
            raise NotReadError(f"{self._client.base_url.host} sends to {to}, as to sign in: try kubectl cluster-info")
        if answer.is_error and not (path.endswith("/readyz") and not _is_status(body)):
            raise _refusal(answer.status_code, path, body)
        return body


@asynccontextmanager
async def connect(where: Where) -> AsyncIterator[Api]:
    """Open the cluster of the kubeconfig. Raises NotReadError."""
    try:
        client, namespace = kubeconfig.opened(where.kubeconfig, where.context)
    except kubeconfig.BAD as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise NotReadError(f"the kubeconfig cannot be used: {why}; see kubectl config view") from error
    async with client:
        yield Api(client, where.namespace or namespace)


def _path(kind: Kind, namespace: str, name: str = "") -> str:
    return kind.path(quote(namespace, safe=""), quote(name, safe=""))


def _ahead(date: str) -> timedelta:
    """Return by how much the clock of an answer is ahead of ours; nothing if it does not say."""
    try:
        return parsedate_to_datetime(date) - datetime.now(UTC)
    except (TypeError, ValueError):
        return timedelta(0)


def _json(text: str) -> Object:
    try:
        found: object = json.loads(text)
    except ValueError:
        return Object({})
    return Object(found if isinstance(found, dict) else {})


def _is_status(body: str) -> bool:
    """Whether the API server itself wrote it."""
    return _json(body).text("kind") == "Status"


def _refusal(status: int, path: str, body: str) -> NotReadError:
    told = _json(body).text("message") or body.strip()[:200] or f"HTTP {status}"
    if status == HTTPStatus.UNAUTHORIZED:
        return NotReadError(f"the API server does not know you ({told}): are the kubeconfig's credentials expired?")
    if status == HTTPStatus.FORBIDDEN:
        return ForbiddenError(f"forbidden: {told}: kubectl auth can-i --list shows what you may")
    if status == HTTPStatus.NOT_FOUND:
        return AbsentError(told)
    return NotReadError(f"GET {path.partition('?')[0]}: {told}")
