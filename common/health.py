"""A tiny HTTP server for probes and scrapes: GET /healthz, /readyz, /metrics, and what a process adds.

Whoever sends its request at once is answered, however many others are connected: at the limit the oldest connection
without a whole head gives way, and no one may stay for long.

Source: RFC 9112 (message syntax), as far as a probe needs it.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from http import HTTPStatus

import structlog

from common import exposition
from common.converters import HostPort
from common.metrics import Metrics
from common.printable import printable
from common.sockets import EndpointError

log = structlog.get_logger()

HEAD_BYTES = 8192
HEAD_SECONDS = 1.0  # from the connection to the end of the head
READ_SECONDS = 5.0  # from there until the answer has been read
CONNECTIONS = 256
QUEUE = 1024  # connections that the kernel keeps meanwhile: with a full queue a probe tries again after a second
ACCEPTED_AT_ONCE = 64  # so that one that has sent its request is read before so many others push it out
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
        patience: tuple[float, float] = (HEAD_SECONDS, READ_SECONDS),
    ) -> None:
        self._address = address
        self._pages: dict[str, Callable[[], bytes]] = {}
        self._metrics = metrics
        self._not_ready = not_ready
        self._broken = broken
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._open: dict[_Connection, None] = {}  # the oldest first
        self._scrapes: dict[exposition.Form, list[_Connection]] = {}
        self._draining = False
        metrics.watch_readiness(self._why_not_ready)

    def add(self, path: str, make: Callable[[], bytes]) -> None:
        """Serve one more path, with the JSON that ``make`` returns."""
        self._pages[path] = make

    async def start(self) -> None:
        """Listen, if it does not yet. Raises EndpointError if the address cannot be had."""
        if self._server is not None:
            return
        host, port = self._address
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connect, host or None, port, backlog=ACCEPTED_AT_ONCE)
        except OSError as error:
            raise EndpointError(
                f"cannot listen on {self._address}: {error.strerror or error}",
                remedy="end what listens there, or set another AIOCSI_HTTP_ADDR",
            ) from error
        for each in self._server.sockets:
            with socket.socket(fileno=os.dup(each.fileno())) as listener:
                listener.listen(QUEUE)
        log.info("health", address=[name.getsockname()[:2] for name in self._server.sockets])

    async def drain(self, grace_seconds: float) -> None:  # noqa: ARG002  # there is nothing to wait for
        """Stop listening, and hang up on who has sent no request."""
        self._draining = True
        if self._server is not None:
            self._server.close()
        for connection in [each for each in self._open if not each.heard]:
            connection.abort()

    def port(self) -> int:
        """Return the port, which the kernel chose if the address named 0."""
        assert self._server is not None  # noqa: S101  # only asked after start
        return int(self._server.sockets[0].getsockname()[1])

    def _connect(self) -> "_Connection":
        return _Connection(self._begin, self._answer, self._end, self._patience)

    def _begin(self, connection: "_Connection") -> None:
        if len(self._open) >= CONNECTIONS:
            silent = (each for each in self._open if not each.heard)
            oldest = next(silent, None) or next(iter(self._open))
            oldest.abort()
            self._open.pop(oldest, None)
        self._open[connection] = None

    def _end(self, connection: "_Connection") -> None:
        self._open.pop(connection, None)

    def _answer(self, connection: "_Connection", head: bytes) -> None:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target, _, version = rest.rpartition(" ")
        path = target.partition("?")[0]
        if not version.startswith("HTTP/1."):
            connection.send(_response(HTTPStatus.BAD_REQUEST, b"not HTTP/1\n"))
        elif method not in {"GET", "HEAD"}:
            connection.send(_response(HTTPStatus.METHOD_NOT_ALLOWED, b"GET only\n"))
        elif (method, path) == ("GET", "/metrics"):
            self._scrape(connection, exposition.preferred(_header(head, "accept")))
        else:
            reply = self._page(path)
            connection.send(reply if method == "GET" else reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    def _scrape(self, connection: "_Connection", form: exposition.Form) -> None:
        """Answer all who ask in this turn of the loop with one text: it takes milliseconds to make."""
        if not self._scrapes:
            asyncio.get_running_loop().call_soon(self._send_metrics)
        self._scrapes.setdefault(form, []).append(connection)

    def _send_metrics(self) -> None:
        scrapes, self._scrapes = self._scrapes, {}
        for form, connections in scrapes.items():
            reply = self._page("/metrics", form)
            for connection in connections:
                connection.send(reply)

    def _why_not_ready(self) -> str:
        return "shutting down" if self._draining else self._not_ready()

    def _page(self, path: str, form: exposition.Form = exposition.Form.TEXT) -> bytes:
        try:
            return self._made_page(path, form)
        except Exception:  # a probe gets an answer whatever is broken
            log.exception("health_failed")
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR, b"internal error; see the log\n")

    def _made_page(self, path: str, form: exposition.Form) -> bytes:
        if path == "/healthz":
            broken = self._broken()
            status = HTTPStatus.SERVICE_UNAVAILABLE if broken else HTTPStatus.OK
            return _response(status, f"{printable(broken) or 'ok'}\n".encode())
        if path == "/readyz":
            why_not = self._why_not_ready()
            status = HTTPStatus.SERVICE_UNAVAILABLE if why_not else HTTPStatus.OK
            return _response(status, f"{printable(why_not) or 'ready'}\n".encode())
        if path == "/metrics":
            return _response(HTTPStatus.OK, self._metrics.render(form), form.value)
        if path in self._pages:
            return _response(HTTPStatus.OK, self._pages[path](), "application/json")
        return _response(HTTPStatus.NOT_FOUND, b"try /healthz, /readyz or /metrics\n")


class _Connection(asyncio.Protocol):
    """One peer, which gets one answer."""

    def __init__(
        self,
        begin: Callable[["_Connection"], None],
        answer: Callable[["_Connection", bytes], None],
        end: Callable[["_Connection"], None],
        patience: tuple[float, float],
    ) -> None:
        self._begin, self._answer, self._end = begin, answer, end
        self._head_seconds, self._read_seconds = patience
        self._head = b""
        self.heard = False  # the whole head has come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the head."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a socket's
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(self._head_seconds, self._too_slow)
        self._begin(self)

    def data_received(self, data: bytes) -> None:
        """Answer when the head is whole."""
        if self.heard:
            return
        self._head += data
        head, blank, _ = self._head.partition(b"\r\n\r\n")
        too_long = len(head) > HEAD_BYTES
        if blank or too_long:
            self.heard = True
            self._head = b""
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(self._read_seconds, self._too_slow)
            if too_long:
                self.send(_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, b"too long\n"))
            else:
                self._answer(self, head)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # whoever ended it
        """Forget it."""
        self._timer.cancel()
        self._end(self)

    def send(self, reply: bytes) -> None:
        """Send the answer, and hang up when it has been read."""
        self._transport.write(reply)
        self._transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        self._transport.abort()

    def _too_slow(self) -> None:
        log.debug("health_request_dropped")
        self.abort()


def _header(head: bytes, name: str) -> str:
    """Return the values of a header, joined; empty if there is none."""
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return ",".join(value.decode("latin-1") for key, _, value in lines if key.strip().lower() == name.encode())


def _response(status: HTTPStatus, body: bytes, content_type: str = TEXT) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
