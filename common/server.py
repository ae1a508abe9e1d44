"""A gRPC server on a Unix socket: grpclib, with what CSI needs and grpclib lacks.

It ends well: calls under way are answered within a grace period, new ones are refused, connections close with a
GOAWAY, and nothing waits for a client to go away (``wait_closed`` does since Python 3.12).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import structlog
from grpclib.config import Configuration
from grpclib.const import Handler

from common import entry, rpc, sockets
from common.grpc_calls import CallAcceptor
from common.grpc_connection import Connection, Connections
from common.tasks import Tasks

log = structlog.get_logger()

CONNECTIONS = 512  # at once; a sidecar has one
LOST_CLIENT_SECONDS = 8.0  # the lease of a sidecar that was stopped goes to another one after ten at the earliest
ACCEPTED_AT_ONCE = 64  # so that a new connection is read before so many newer ones push it out
LAST_ANSWERS_SECONDS = 1.0  # for calls that were ended by the drain to send their status
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class Service(Protocol):
    """A servicer: an instance of a generated base."""

    def __mapping__(self) -> Mapping[str, Handler]: ...


class Servable(Protocol):
    """What ``run`` starts and ends: a gRPC server, the health page."""

    async def start(self) -> None: ...  # noqa: D102
    async def drain(self, grace_seconds: float) -> None: ...  # noqa: D102


class GrpcServer:
    """Serves ``services`` on ``endpoint``, each call surrounded by ``calls``.

    A client that has calls under way and does not answer a ping for ``silent_seconds`` is stopped, or hangs: its
    connection is closed, and its calls are given up. 0: it is waited for.
    """

    def __init__(
        self, services: Sequence[Service], endpoint: str, calls: rpc.Calls, *, silent_seconds: float = 0.0
    ) -> None:
        """Raises EndpointError if ``endpoint`` is no Unix socket path."""
        self.path = sockets.parse(endpoint)
        self._calls = calls
        self._mapping = {route: handler for service in services for route, handler in service.__mapping__().items()}
        self._config = _configuration(silent_seconds)
        self.leaves_socket = False  # the drain leaves the file of the socket to a successor
        self._connections = Connections(CONNECTIONS)
        self._listener: sockets.UnixListener | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises EndpointError if the socket cannot be had."""
        self._listener = sockets.UnixListener(self.path)
        loop = asyncio.get_running_loop()
        listen = loop.create_unix_server
        if sys.version_info >= (3, 13):  # it would remove the socket's file at the end, also one that is left there
            listen = partial(listen, cleanup_socket=False)
        self._server = await listen(self._connect, sock=self._listener.socket, backlog=ACCEPTED_AT_ONCE)
        self._listener.socket.listen(sockets.BACKLOG)
        log.info("serving", socket=str(self.path))

    async def rebind(self) -> None:
        """Listen again, after the socket file was removed; connections and calls go on. Raises EndpointError."""
        self._stop_listening()
        await self.start()

    def is_in_place(self) -> bool:
        """Tell whether the socket's path still leads here."""
        return self._listener is not None and self._listener.is_in_place()

    async def drain(self, grace_seconds: float) -> None:
        """Give the socket up, refuse new calls, wait for those under way, answer the rest UNAVAILABLE, hang up.

        Each connection is closed as soon as nothing is under way on it: its client finds the successor.
        """
        self._stop_listening(leave=self.leaves_socket)
        self._calls.drain()
        end = asyncio.get_running_loop().time() + grace_seconds
        await asyncio.gather(*(self._drain(connection, end) for connection in self._connections))

    async def _drain(self, connection: Connection, end: float) -> None:
        loop = asyncio.get_running_loop()
        while (tasks := connection.tasks()) and (left := end - loop.time()) > 0:  # refused ones may have joined
            await asyncio.wait(tasks, timeout=left)
        if tasks:
            log.warning("grace_over", calls=len(tasks))
            self._calls.expire()
            await asyncio.wait(tasks, timeout=LAST_ANSWERS_SECONDS)
        await connection.hang_up()

    def _stop_listening(self, *, leave: bool = False) -> None:
        if self._server is not None and self._listener is not None:
            self._server.close()
            self._listener.close(leave=leave)
        self._server = self._listener = None

    def _connect(self) -> Connection:
        return Connection(CallAcceptor(self._mapping, self._calls), self._config, self._connections)


def _configuration(silent_seconds: float) -> Configuration:
    """Let grpclib ping while calls are under way; half of the time lies before the ping, half after it."""
    if not silent_seconds:
        return Configuration().__for_server__()
    return Configuration(
        _keepalive_time=silent_seconds / 2,
        _keepalive_timeout=silent_seconds / 2,
        _http2_max_pings_without_data=0,
        _http2_min_sent_ping_interval_without_data=silent_seconds / 4,
    ).__for_server__()


async def _at_once() -> None:
    """Wait for nothing."""


async def run(
    servers: Sequence[Servable], tasks: Tasks, grace_seconds: float, hold: Callable[[], Awaitable[None]] = _at_once
) -> None:
    """Serve until SIGTERM, SIGINT, SIGQUIT or the failure of vital work, then drain; a second signal exits at once.

    ``servers`` start in their order and drain in reverse. They serve on after a signal until ``hold`` returns. Work
    past its commit point is awaited within the grace period. Raises what start raised, or what ended the vital work.
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
        if tasks.failure is None:
            await hold()
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

    def arrive(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)  # asked twice: whatever hangs, hangs no longer
        log.info("stopping", signal=number.name)
        stop.set()

    for number in STOP:
        loop.add_signal_handler(number, arrive, number)
    for number in entry.IGNORED:
        loop.add_signal_handler(number, _ignore, number)


def _ignore(number: signal.Signals) -> None:
    log.info("signal_ignored", signal=number.name, remedy="none; to read settings again, restart it")
