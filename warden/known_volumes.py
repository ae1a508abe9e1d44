"""The cloud's volumes, as the controller beside the leading attacher knows them; its page costs no request."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import httpx2
import structlog

from common import chart_labels
from warden.api import PODS, KubeApi, KubeError, Scope, everything
from warden.rules import objects
from warden.rules.objects import Json, text
from warden.rules.volumes_page import KnownVolumes, PageReader, UnreadablePageError

log = structlog.get_logger("known_volumes")

ANSWER_SECONDS = 15.0
LONGEST_PAGE = 64 << 20  # bytes; a volume takes about 300
PORT = "http"


def connect() -> httpx2.AsyncClient:
    """Return what asks pods over plain HTTP: no proxy stands between, and no one is trusted over TLS."""
    return httpx2.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)


class AskedPages(Protocol):
    """Who knows the cloud's volumes."""

    async def known(self, longest_age: float) -> KnownVolumes | None:
        """Return all volumes as they were at most ``longest_age`` seconds ago; None if no one knows. Never raises."""
        ...


class ControllerPages:
    """The pages of the controller's pods, of which one knows all volumes."""

    def __init__(self, api: KubeApi, client: httpx2.AsyncClient, namespace: str, driver: str) -> None:
        self._api = api
        self._client = client
        labels = {chart_labels.DRIVER: driver, chart_labels.COMPONENT: "controller"}
        self._pods = Scope(namespace=namespace, labels=labels)

    async def known(self, longest_age: float) -> KnownVolumes | None:
        """Return the list of the first pod that has a whole one of that age."""
        try:
            urls = [url async for each in everything(self._api, PODS, self._pods) if (url := _page_of(each))]
        except KubeError as error:
            log.warning("volumes_not_known", message=str(error))
            return None
        for url in urls:
            found = await self._page(url)
            if found is not None and found.age_seconds <= longest_age:
                return found
        log.info("volumes_not_known", message=f"none of {len(urls)} controllers knows all volumes")
        return None

    async def _page(self, url: str) -> KnownVolumes | None:
        reader = PageReader()
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._client.stream("GET", url, timeout=ANSWER_SECONDS) as answer,
            ):
                answer.raise_for_status()
                async for line in _lines(answer.aiter_bytes()):
                    reader.take(line)
            return reader.known()
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError, UnreadablePageError) as error:
            log.info("volumes_not_known", message=f"{url.rpartition('/')[0]}: {str(error) or type(error).__name__}")
            return None


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the lines of an answer. Raises UnreadablePageError if it is too long."""
    rest, length = b"", 0
    async for chunk in chunks:
        length += len(chunk)
        if length > LONGEST_PAGE:
            raise UnreadablePageError("the page is too long")
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    yield rest.decode(errors="replace")


def _page_of(pod: Json) -> str:
    """Return the URL of a pod's page, which ends with its UID; empty if it has no HTTP server yet."""
    host = text(pod, "status", "podIP")
    named = [
        port for one in objects.each(pod, "spec", "containers") for port in objects.each(one, "ports") if _is_http(port)
    ]
    if not host or not named:
        return ""
    address = f"{f'[{host}]' if ':' in host else host}:{named[0].get('containerPort')}"
    return f"http://{address}/volumes/{text(pod, 'metadata', 'uid')}"


def _is_http(port: Mapping[str, object]) -> bool:
    return port.get("name") == PORT
