"""A server whose socket stays in its place: removed, it comes back; while another process serves it, it waits.

A predecessor that still ends its calls, or one that was rolled back and runs beside, is no reason to crash and be
restarted with a back-off. What is started after another server waits for that one.
"""

import asyncio

import structlog

from common.server import GrpcServer
from common.sockets import EndpointError, EndpointTaken
from common.tasks import Tasks

log = structlog.get_logger()

LOOK_SECONDS = 2.0  # a stat of one path


class KeptSocket:
    """One of the parts of ``server.run``."""

    def __init__(
        self, server: GrpcServer, tasks: Tasks, *, after: "KeptSocket | None" = None, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self.path = server.path
        self._server = server
        self._tasks = tasks
        self._after = after
        self._look_seconds = look_seconds
        self._watch: asyncio.Task[object] | None = None
        self._waiting = ""  # for whom; empty: for nobody
        self._lost = ""  # why a socket that was removed does not come back; empty: it is there

    async def start(self) -> None:
        """Listen, or begin to wait for the process that serves the socket. Raises EndpointError for what stays."""
        await self._look(first=True)
        self._watch = self._tasks.vital(self._keep(), f"socket {self.path}")

    async def drain(self, grace_seconds: float) -> None:
        """Give the socket up."""
        if self._watch is not None:
            self._watch.cancel()
        await self._server.drain(grace_seconds)

    def is_served(self) -> bool:
        """Tell whether this process serves the socket."""
        return self._server.is_in_place()

    def not_ready(self) -> str:
        """Return why no one can call, or nothing."""
        return self._lost or self._waiting

    def broken(self) -> str:
        """Return why a restart may help, or nothing: waiting for a predecessor is no such reason."""
        return self._lost

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)  # noqa: TID251  # a lock that another process lets go tells nobody
            await self._look()

    async def _look(self, *, first: bool = False) -> None:
        if self._server.is_in_place() or (self._after is not None and not self._after.is_served()):
            return
        if not first and not self._waiting and not self._lost:
            log.warning("socket_gone", socket=str(self.path), remedy="find out who removes it; it is made again")
        try:
            await self._server.rebind()
        except EndpointTaken as error:
            self._wait(str(error))
        except EndpointError as error:
            if first:
                raise
            self._lose(str(error))
        else:
            self._waiting = self._lost = ""

    def _wait(self, reason: str) -> None:
        if not self._waiting:
            log.warning(
                "socket_taken", socket=str(self.path), message=reason, remedy="stop that process: it is waited for"
            )
        self._waiting, self._lost = reason, ""

    def _lose(self, reason: str) -> None:
        if not self._lost:
            log.error("socket_not_made", socket=str(self.path), message=reason)
        self._waiting, self._lost = "", reason
