"""A gRPC server on a Unix socket: grpclib, with what CSI needs and grpclib lacks.

It ends well: calls under way are answered within a grace period, new ones are refused, connections close with a
GOAWAY, and nothing waits for a client to go away (``wait_closed`` does since Python 3.12). It tolerates HTTP/2 frames
of an unknown type and headers of any bytes. The private names of grpclib that are used here have a test each, and its
version is pinned.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

import structlog
from grpclib.config import Configuration
from grpclib.const import Handler
from grpclib.encoding.proto import ProtoCodec
from grpclib.events import _DispatchServerEvents
from grpclib.protocol import H2Protocol, Stream
from grpclib.server import Handler as Acceptor
from grpclib.server import request_handler
from h2.config import H2Configuration
from h2.events import PingAckReceived
from h2.settings import SettingCodes
from h2.utilities import SizeLimitDict

from common import grpc_headers, rpc, sockets
from common.tasks import Tasks

log = structlog.get_logger()

READ_BYTES = 16 * 1024  # read at a time: 256 KiB, asyncio's own, hold a hundred calls, and so the event loop for 60 ms
LAST_ANSWERS_SECONDS = 1.0  # for calls that were ended by the drain to send their status
CLOSED_STREAMS = 256  # that a connection remembers; h2's own 65,536 grow to 10 MiB on one that lives for days
LAST_PING_SECONDS = 0.5  # for a client to read what was sent


class Service(Protocol):
    """A servicer: an instance of a generated base."""

    def __mapping__(self) -> Mapping[str, Handler]: ...


class Servable(Protocol):
    """What ``run`` starts and ends: a gRPC server, the health page."""

    async def start(self) -> None: ...  # noqa: D102
    async def drain(self, grace_seconds: float) -> None: ...  # noqa: D102


class Server:
    """Serves ``services`` on ``endpoint``, each call surrounded by ``calls``."""

    def __init__(self, services: Sequence[Service], endpoint: str, calls: rpc.Calls) -> None:
        """Raises EndpointError if ``endpoint`` is no Unix socket path."""
        self.path = sockets.parse(endpoint)
        self._calls = calls
        self._mapping = {route: handler for service in services for route, handler in service.__mapping__().items()}
        self._config = Configuration().__for_server__()
        self._connections: WeakSet[_Connection] = WeakSet()
        self._listener: sockets.UnixListener | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises EndpointError if the socket cannot be had."""
        self._listener = sockets.UnixListener(self.path)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connect, sock=self._listener.socket)
        log.info("serving", socket=str(self.path))

    async def rebind(self) -> None:
        """Listen anew, after the socket file was removed; connections and calls go on. Raises EndpointError."""
        self._stop_listening()
        await self.start()

    def is_in_place(self) -> bool:
        """Tell whether the socket's path still leads here."""
        return self._listener is not None and self._listener.is_in_place()

    async def drain(self, grace_seconds: float) -> None:
        """Give the socket up, refuse new calls, wait for those under way, answer the rest UNAVAILABLE, hang up.

        Each connection is closed as soon as nothing is under way on it: its client finds the successor.
        """
        self._stop_listening()
        self._calls.drain()
        end = asyncio.get_running_loop().time() + grace_seconds
        await asyncio.gather(*(self._drain(connection, end) for connection in self._connections))

    async def _drain(self, connection: "_Connection", end: float) -> None:
        loop = asyncio.get_running_loop()
        while (tasks := connection.tasks()) and (left := end - loop.time()) > 0:  # refused ones may have joined
            await asyncio.wait(tasks, timeout=left)
        if tasks:
            log.warning("grace_over", calls=len(tasks))
            self._calls.expire()
            await asyncio.wait(tasks, timeout=LAST_ANSWERS_SECONDS)
        await connection.hang_up()

    def _stop_listening(self) -> None:
        if self._server is not None and self._listener is not None:
            self._server.close()
            self._listener.close()
        self._server = self._listener = None

    def _connect(self) -> "_Connection":
        connection = _Connection(_Acceptor(self._mapping, self._calls), self._config)
        self._connections.add(connection)
        return connection


class _Acceptor(Acceptor):
    """Starts a task for each call; one for each connection."""

    def __init__(self, mapping: Mapping[str, Handler], calls: rpc.Calls) -> None:
        super().__init__(dict(mapping), ProtoCodec(), None, _DispatchServerEvents())
        self._calls = calls

    def accept(self, stream: Stream, headers: grpc_headers.Headers, release_stream: Callable[[], object]) -> None:
        """Serve a call whose headers have come."""
        self.__gc_step__()
        passed_on = grpc_headers.passed_on(headers)
        path = dict(passed_on)[":path"]
        handler = self._calls.surround(grpc_headers.parse(headers), self.mapping.get(path))
        work = request_handler({path: handler}, stream, passed_on, self.codec, None, self.dispatch, release_stream)
        self._tasks[stream] = self.loop.create_task(work)

    def running(self) -> list[asyncio.Task[None]]:
        """Return the tasks of calls that are not answered yet."""
        return [task for task in self._tasks.values() if not task.done()]


class _Connection(H2Protocol):
    """One client's connection."""

    def __init__(self, acceptor: _Acceptor, config: Configuration) -> None:
        super().__init__(acceptor, config, _h2_settings())
        self._acceptor = acceptor
        self._heard = asyncio.Event()  # the client has read all, or is gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client; allow it so many calls at once that none of them keeps a Probe from being sent."""
        super().connection_made(transport)
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # of asyncio's selector transports
        h2_connection = self.connection._connection  # noqa: SLF001  # a test holds these private names
        h2_connection._closed_streams = SizeLimitDict(size_limit=CLOSED_STREAMS)  # noqa: SLF001  # same
        h2_connection.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: rpc.WAITING})
        self.connection.flush()
        self.processor.processors = _Tolerant(self.processor.processors)  # type: ignore[assignment]  # same use

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel what the client waited for."""
        self._heard.set()
        super().connection_lost(exc)

    def tasks(self) -> list[asyncio.Task[None]]:
        """Return the tasks of calls that are not answered yet."""
        return self._acceptor.running()

    async def hang_up(self) -> None:
        """Tell the client which calls were taken (GOAWAY: it may repeat the others elsewhere), and close.

        Some clients drop a reply that they have not read when the GOAWAY comes, so it comes after they have read all.
        """
        if self.connection.is_closing():
            return
        await self._until_all_is_read()
        if self.connection.is_closing():
            return
        self.connection._connection.close_connection()  # noqa: SLF001  # a test holds this private name
        self.connection.flush()
        self.processor.close("the server is shutting down")

    async def _until_all_is_read(self) -> None:
        """Wait for the answer to a ping, which a client gives in its turn."""
        self.processor.processors[PingAckReceived] = lambda _event: self._heard.set()
        self.connection._connection.ping(b"last one")  # noqa: SLF001  # a test holds this private name
        self.connection.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_PING_SECONDS):
                await self._heard.wait()


def _h2_settings() -> H2Configuration:
    return H2Configuration(
        client_side=False,
        header_encoding="latin-1",  # any byte has a meaning, so none can break the connection and all its calls
        validate_inbound_headers=False,  # Go clients send an :authority that strict servers refuse
        validate_outbound_headers=False,
        normalize_inbound_headers=False,
        normalize_outbound_headers=False,
    )


class _Tolerant(dict[type, object]):
    """Event handlers by type; an event that nobody handles is ignored, as RFC 9113 5.5 asks for unknown frames."""

    def __missing__(self, _kind: type) -> Callable[[object], None]:
        return _ignore


def _ignore(_event: object) -> None:
    """Do nothing."""


async def run(servers: Sequence[Servable], tasks: Tasks, grace_seconds: float) -> None:
    """Serve until SIGTERM, SIGINT or the failure of vital work, then drain; a second signal exits at once.

    ``servers`` start in their order and drain in reverse. Work past its commit point is awaited within the grace
    period. Raises what start raised, or what ended the vital work.
    """
    stop = asyncio.Event()
    tasks.watch(stop.set)
    _on_signals(stop)
    started: list[Servable] = []
    try:
        for server in servers:
            await server.start()
            started.append(server)
        await stop.wait()
    finally:
        await _drain(started[::-1], tasks, grace_seconds)
    if tasks.failure is not None:
        raise tasks.failure


async def _drain(servers: Sequence[Servable], tasks: Tasks, grace_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + grace_seconds
    for server in servers:
        await server.drain(max(0.0, end - loop.time()))
    if left := await tasks.settle(max(0.0, end - loop.time())):
        log.error("work_left", tasks=left, seconds=grace_seconds)
    await tasks.close()
    if servers:
        log.info("drained")


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def arrive(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)  # asked twice: whatever hangs, hangs no longer
        log.info("stopping", signal=signal.Signals(number).name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, arrive, number)
