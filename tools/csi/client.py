"""A gRPC client for tests: calls a driver on its Unix socket as a sidecar does, and tells how it was answered.

Routes and reply types come from the generated servicer bases, so the services need no client code.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from betterproto2 import Message
from grpclib.client import Channel, Handler
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError
from grpclib.protocol import H2Protocol
from h2.events import ConnectionTerminated

from common.server import Service
from csi_proto import pluginregistration
from csi_proto.csi import v1 as csi

Reply = TypeVar("Reply", bound=Message)

BASES: tuple[type[Service], ...] = (
    csi.IdentityBase,
    csi.ControllerBase,
    csi.GroupControllerBase,
    csi.NodeBase,
    pluginregistration.RegistrationBase,
)


@dataclass(frozen=True)
class Route:
    """A method's path, and the type of its reply."""

    path: str
    reply: type[Message]


def _routes() -> Iterator[tuple[type[Message], Route]]:
    for base in BASES:
        for path, handler in base().__mapping__().items():
            yield handler.request_type, Route(path, handler.reply_type)


ROUTES: Mapping[type[Message], Route] = dict(_routes())  # every request type belongs to one method


class _Channel(Channel):
    """A connection that reads what was answered before a GOAWAY; grpclib fails every call at the sight of one."""

    def _protocol_factory(self) -> H2Protocol:
        return _Patient(Handler(), self._config, self._h2_config)


class _Patient(H2Protocol):
    """Answers may come with the GOAWAY or after it (RFC 9113 6.8): the end of the connection decides."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.processor.processors[ConnectionTerminated] = lambda _event: None


class Client:
    """One connection. ``code`` and ``message`` of a refusal are those of the GRPCError that ``call`` raises."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._channel = _Channel(path=str(socket))

    async def call(
        self,
        request: Message,
        reply: type[Reply],
        *,
        seconds: float = 30,
        metadata: Mapping[str, str | bytes] | None = None,
    ) -> Reply:
        """Return the answer to ``request``. Raises GRPCError with the status that was answered."""
        route = ROUTES[type(request)]
        assert issubclass(route.reply, reply), f"{route.path} answers {route.reply.__name__}"
        channel, kind = self._channel, Cardinality.UNARY_UNARY
        async with channel.request(
            route.path, kind, type(request), reply, timeout=seconds, metadata=metadata
        ) as stream:
            await stream.send_message(request, end=True)
            answer = await stream.recv_message()
        assert answer is not None
        return answer

    async def refusal(self, request: Message, *, seconds: float = 30) -> tuple[Status, str]:
        """Return code and message of the error that answers ``request``. Raises AssertionError if it succeeds."""
        try:
            answer = await self.call(request, ROUTES[type(request)].reply, seconds=seconds)
        except GRPCError as error:
            return error.status, error.message or ""
        raise AssertionError(f"{type(request).__name__} was answered with {type(answer).__name__}")

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
