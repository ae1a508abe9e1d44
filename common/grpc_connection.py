"""The connections of a gRPC server: grpclib's, with a bound for everything that a peer can make them keep.

A peer may reset its calls at once, send half of a message, frames without data, headers without an end, settings
that do not exist, or read nothing of what it is answered. It costs itself its calls or its connection, and others
nothing. The private names of grpclib and h2 that are used here have a test each, and their versions are pinned.

Sources: RFC 9113 5.1.2 (too many streams), 5.5 (unknown frames), 10.5 (denial of service); CVE-2023-44487.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import structlog
from grpclib.config import Configuration
from grpclib.protocol import Connection as GrpclibConnection
from grpclib.protocol import EventsProcessor, H2Protocol
from h2.errors import ErrorCodes
from h2.events import PingAckReceived, RequestReceived, TrailersReceived
from h2.exceptions import ProtocolError

from common import http2_state
from common.grpc_calls import CallAcceptor
from common.http2_state import Http2State

log = structlog.get_logger()

READ_BYTES = 4096  # read at a time: each hundred of calls that are in it hold the event loop for 60 ms
CALLS_AT_ONCE = 8  # that a connection may begin in a turn of the loop; one that begins more waits for its turn
FRAMES_AT_ONCE = 32  # that it may send: pings, settings and the like cost as much as calls when they are many
STALLED_SECONDS = 30.0  # that a peer may read nothing of what it is answered
LAST_PING_SECONDS = 0.5  # for a client to read what was sent


class Connections:
    """The open connections of one server. At the limit the one that was of no use for the longest time is cut."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.stalled_seconds = STALLED_SECONDS
        self.turns = Turns()
        self._silent: dict[Connection, None] = {}  # no call was ever answered; the oldest first
        self._proven: dict[Connection, None] = {}  # by their last answer, the oldest first

    def __iter__(self) -> Iterator["Connection"]:
        return iter([*self._silent, *self._proven])

    def begin(self, connection: "Connection") -> None:
        """Take a new connection up."""
        others = [each for each in self if not each.is_busy()]
        self._silent[connection] = None
        if len(self._silent) + len(self._proven) > self._most:
            (others or [connection])[0].cut()

    def answered(self, connection: "Connection") -> None:
        """Learn that a call was answered on ``connection``."""
        if connection in self._silent or connection in self._proven:
            self.end(connection)
            self._proven[connection] = None

    def end(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._silent.pop(connection, None)
        self._proven.pop(connection, None)


class Turns:
    """Lets connections that send much at once read one after the other, so that others find the loop free."""

    def __init__(self) -> None:
        self._waiting: deque[Connection] = deque()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def wait(self, connection: "Connection") -> None:
        """Let ``connection`` read again when it is its turn."""
        connection.pause_reading("turn")
        self._waiting.append(connection)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._waiting[0].resume_reading("turn")
        self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)


class Connection(H2Protocol):
    """One client's connection."""

    def __init__(self, acceptor: CallAcceptor, config: Configuration, connections: Connections) -> None:
        super().__init__(acceptor, config, http2_state.settings())
        self._acceptor = acceptor
        self._connections = connections
        self._begun = 0  # calls in this turn of the loop
        self._reasons: set[str] = set()  # for reading nothing
        self._heard = asyncio.Event()  # the client has read all, or is gone
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a Unix socket's
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # of asyncio's selector transports
        self._transport = transport
        self._h2 = Http2State(self.h2_config)
        self._h2.initiate_connection()
        self.connection = GrpclibConnection(self._h2, transport, config=self.config)
        self.processor = EventsProcessor(self.handler, self.connection)
        self.processor.processors = _Tolerant(self.processor.processors)  # type: ignore[assignment]  # same use
        self.processor.processors[RequestReceived] = self._begin
        self.processor.processors[TrailersReceived] = _ignore  # a caller of gRPC sends none
        self._acceptor.answered = partial(self._connections.answered, self)
        self.connection.flush()
        self.connection.initialize()
        self._connections.begin(self)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends. What breaks the rules ends the connection, with a GOAWAY that says so."""
        try:
            events = self.connection.feed(data)
        except ProtocolError as error:
            log.debug("connection_broken", message=str(error))
            self.connection.flush()
            self.processor.close("the client broke the rules of HTTP/2")
            return
        self.connection.flush()
        self._begun = 0
        for event in events:
            self.processor.process(event)
        self.connection.flush()
        if self._begun > CALLS_AT_ONCE or self._h2.frames_taken() > FRAMES_AT_ONCE:
            self._connections.turns.wait(self)

    def pause_reading(self, reason: str) -> None:
        """Read nothing until ``resume_reading`` with the same reason."""
        self._reasons.add(reason)
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self, reason: str) -> None:
        """Read again, if there is no other reason not to."""
        self._reasons.discard(reason)
        if not self._reasons and not self._transport.is_closing():
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """Read nothing more from a client that does not read: each frame of it may want an answer."""
        super().pause_writing()
        self.pause_reading("stall")
        self._stalled = asyncio.get_running_loop().call_later(self._connections.stalled_seconds, self._transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads again."""
        super().resume_writing()
        self._end_stall()
        self.resume_reading("stall")

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel what the client waited for."""
        self._heard.set()
        self._end_stall()
        self._connections.end(self)
        super().connection_lost(exc)

    def tasks(self) -> list[asyncio.Task[None]]:
        """Return the tasks of calls that are not answered yet."""
        return self._acceptor.running()

    def is_busy(self) -> bool:
        """Tell whether a call waits for an answer here, after a whole request."""
        return self._acceptor.has_work()

    def cut(self) -> None:
        """End a connection at once; what was not answered may be repeated on another."""
        self._connections.end(self)
        self._goodbye("others need the connection")
        self._transport.abort()

    async def hang_up(self) -> None:
        """Tell the client which calls were taken (GOAWAY: it may repeat the others elsewhere), and close.

        Some clients drop a reply that they have not read when the GOAWAY comes, so it comes after they have read all.
        """
        if self.connection.is_closing():
            return
        await self._until_all_is_read()
        self._goodbye("the server is shutting down")

    def _goodbye(self, reason: str) -> None:
        if not self.connection.is_closing():
            self._h2.close_connection()
            self.connection.flush()
            self.processor.close(reason)

    async def _until_all_is_read(self) -> None:
        """Wait for the answer to a ping, which a client gives in its turn."""
        self.processor.processors[PingAckReceived] = lambda _event: self._heard.set()
        self._h2.ping(b"last one")
        self.connection.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_PING_SECONDS):
                await self._heard.wait()

    def _begin(self, event: RequestReceived) -> None:
        """Begin a call; one too many is refused alone, and the client may repeat it."""
        self._begun += 1
        if len(self.processor.streams) < http2_state.STREAMS:
            self.processor.process_request_received(event)
            return
        with suppress(ProtocolError):  # the client has reset it meanwhile
            self._h2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)

    def _end_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class _Tolerant(dict[type, object]):
    """Event handlers by type; an event that no one handles is ignored, as RFC 9113 5.5 asks for unknown frames."""

    def __missing__(self, _kind: type) -> Callable[[object], None]:
        return _ignore


def _ignore(_event: object) -> None:
    """Do nothing."""
