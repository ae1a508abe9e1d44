"""A tiny HTTP server for probes and scrapes: GET /healthz, /readyz, /metrics, and nothing else.

Source: RFC 9112 (message syntax), as far as a probe needs it.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import structlog

from common.converters import HostPort
from common.metrics import CONTENT_TYPE, Metrics
from common.sockets import EndpointError

log = structlog.get_logger()

HEAD_BYTES = 8192
HEAD_SECONDS = 5.0
CONNECTIONS = 32
TEXT = "text/plain; charset=utf-8"


class HealthServer:
    """Serves on ``address``.

    ``not_ready`` returns why the process is not ready, ``broken`` why it should be restarted; an empty text: it is not.
    """

    def __init__(
        self,
        address: HostPort,
        metrics: Metrics,
        not_ready: Callable[[], str],
        broken: Callable[[], str] = lambda: "",
        *,
        head_seconds: float = HEAD_SECONDS,
    ) -> None:
        self._address = address
        self._metrics = metrics
        self._not_ready = not_ready
        self._broken = broken
        self._head_seconds = head_seconds
        self._server: asyncio.Server | None = None
        self._open = 0
        self._draining = False

    async def start(self) -> None:
        """Listen, if it does not yet. Raises EndpointError if the address cannot be had."""
        if self._server is not None:
            return
        host, port = self._address
        try:
            self._server = await asyncio.start_server(self._serve, host or None, port, limit=HEAD_BYTES)
        except OSError as error:
            raise EndpointError(f"cannot listen on {self._address}: {error}") from error
        log.info("health", address=[name.getsockname()[:2] for name in self._server.sockets])

    async def drain(self, grace_seconds: float) -> None:  # noqa: ARG002  # there is nothing to wait for
        """Stop listening."""
        self._draining = True
        if self._server is not None:
            self._server.close()

    def port(self) -> int:
        """Return the port, which the kernel chose if the address named 0."""
        assert self._server is not None  # noqa: S101  # only asked after start
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            async with asyncio.timeout(self._head_seconds):
                if self._open <= CONNECTIONS:
                    writer.write(await self._answer(reader))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            log.debug("health_request_dropped")
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return self._reply(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"too long\n")
        except (OSError, asyncio.IncompleteReadError):
            raise
        except Exception:  # a probe gets an answer whatever is broken
            log.exception("health_failed")
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR, b"broken; the log tells more\n")

    def _reply(self, head: bytes) -> bytes:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target, _, version = rest.rpartition(" ")
        if not version.startswith("HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, b"not HTTP/1\n")
        if method not in {"GET", "HEAD"}:
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"GET only\n")
        reply = self._page(target.partition("?")[0])
        return reply if method == "GET" else reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    def _page(self, path: str) -> bytes:
        if path == "/healthz":
            broken = self._broken()
            status = HTTPStatus.SERVICE_UNAVAILABLE if broken else HTTPStatus.OK
            return _response(status, f"{broken or 'ok'}\n".encode())
        if path == "/readyz":
            why_not = "shutting down" if self._draining else self._not_ready()
            status = HTTPStatus.SERVICE_UNAVAILABLE if why_not else HTTPStatus.OK
            return _response(status, f"{why_not or 'ready'}\n".encode())
        if path == "/metrics":
            return _response(HTTPStatus.OK, self._metrics.render(), CONTENT_TYPE)
        return _response(HTTPStatus.NOT_FOUND, b"try /healthz, /readyz or /metrics\n")


def _response(status: HTTPStatus, body: bytes, content_type: str = TEXT) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
