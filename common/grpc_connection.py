"""The connections of a gRPC server: grpclib's, with a bound for everything that a peer can make them keep.

A peer may reset its calls at once, send half of a message, frames without data, headers without an end, settings
that do not exist, or read nothing of what it is answered. It costs itself its calls or its connection, and others
nothing. The private names of grpclib and h2 that are used here have a test each, and their versions are pinned.

Sources: RFC 9113 5.1.2 (too many streams), 5.5 (unknown frames), 10.5 (denial of service); CVE-2023-44487.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial

import structlog
from grpclib.config import Configuration
from grpclib.const import Handler
from grpclib.encoding.proto import ProtoCodec
from grpclib.events import _DispatchServerEvents
from grpclib.protocol import Connection as GrpclibConnection
from grpclib.protocol import EventsProcessor, H2Protocol, Stream
from grpclib.server import Handler as Acceptor
from grpclib.server import request_handler
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import PingAckReceived, RequestReceived, TrailersReceived
from h2.exceptions import FrameTooLargeError, ProtocolError
from h2.frame_buffer import FrameBuffer
from h2.settings import SettingCodes, Settings
from h2.stream import StreamState
from h2.utilities import SizeLimitDict

from common import grpc_headers, rpc
from common.grpc_framing import Codec, RequestBody

log = structlog.get_logger()

READ_BYTES = 4096  # read at a time: each hundred of calls that are in it hold the event loop for 60 ms
CALLS_AT_ONCE = 8  # that a connection may begin in a turn of the loop; one that begins more waits for its turn
CLOSED_STREAMS = 256  # that a connection remembers; h2's own 65,536 grow to 10 MiB on one that lives for days
STREAMS = 1024  # of one connection at once: so many that none of them keeps a Probe from being sent
HEADER_BYTES = 64 << 10  # of one call, in all its frames
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
    """Lets connections that begin many calls at once read one after the other, so that others find the loop free."""

    def __init__(self) -> None:
        self._waiting: deque[Connection] = deque()

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


class CallAcceptor(Acceptor):
    """Starts a task for each call; one for each connection."""

    def __init__(self, mapping: Mapping[str, Handler], calls: rpc.Calls) -> None:
        super().__init__(dict(mapping), ProtoCodec(), None, _DispatchServerEvents())
        self._calls = calls
        self._bodies: dict[Stream, RequestBody] = {}  # of the calls that are not answered yet
        self.answered: Callable[[], None] = _nothing

    def accept(self, stream: Stream, headers: grpc_headers.Headers, release_stream: Callable[[], object]) -> None:
        """Serve a call whose headers have come."""
        self.__gc_step__()
        call = grpc_headers.parse(headers)
        passed_on = grpc_headers.passed_on(headers)
        path = dict(passed_on)[":path"]
        size = sum(len(name) + len(value) for name, value in headers)
        body = self._calls.body(call, partial(stream.connection.ack, stream.id or 0), size)
        stream.buffer = self._bodies[stream] = body  # type: ignore[assignment]  # what grpclib calls of a buffer, it has
        handler = self._calls.surround(call, self.mapping.get(path))
        work = request_handler({path: handler}, stream, passed_on, Codec(body), None, self.dispatch, _nothing)
        self._tasks[stream] = task = self.loop.create_task(work)  # a task of grpclib's, which cancels it by its stream
        task.add_done_callback(partial(self._end, stream, release_stream))

    def cancel(self, stream: Stream) -> None:
        """Cancel the task of a stream that was reset, whether it has begun or not."""
        if (task := self._tasks.pop(stream, None)) is not None:
            task.cancel()
            self._cancelled.add(task)

    def running(self) -> list[asyncio.Task[None]]:
        """Return the tasks of calls that are not answered yet."""
        return [task for task in self._tasks.values() if not task.done()]

    def has_work(self) -> bool:
        """Tell whether a call whose message has come is not answered yet."""
        return any(body.whole for body in self._bodies.values())

    def _end(self, stream: Stream, release: Callable[[], object], task: asyncio.Task[None]) -> None:
        """Let go of what a call held. A task that is cancelled before its first step never gets to that itself."""
        self._bodies.pop(stream).close()
        release()
        if not task.cancelled():
            self.answered()
        if stream.closable:  # the caller has not ended its side and may never, or it is not answered
            stream.reset_nowait(ErrorCodes.NO_ERROR if _is_answered(stream) else ErrorCodes.CANCEL)


def _is_answered(stream: Stream) -> bool:
    state = stream._h2_connection.streams[stream.id or 0].state_machine.state  # noqa: SLF001  # a test holds it
    return state is StreamState.HALF_CLOSED_LOCAL


class Connection(H2Protocol):
    """One client's connection."""

    def __init__(self, acceptor: CallAcceptor, config: Configuration, connections: Connections) -> None:
        super().__init__(acceptor, config, _h2_settings())
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
        self._h2 = _H2(self.h2_config)
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
        if self._begun > CALLS_AT_ONCE:
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
        """Tell whether somebody waits for an answer here, after a whole request."""
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
        if len(self.processor.streams) < STREAMS:
            self.processor.process_request_received(event)
            return
        with suppress(ProtocolError):  # the client has reset it meanwhile
            self._h2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)

    def _end_stall(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class _H2(H2Connection):
    """The state of one connection, with what h2 lacks."""

    def __init__(self, config: H2Configuration) -> None:
        super().__init__(config)
        limits = {SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS, SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_BYTES}
        self.local_settings = Settings(client=False, initial_values=limits)
        self.incoming_buffer = _Frames(server=True)
        self._closed_streams = SizeLimitDict(size_limit=CLOSED_STREAMS)

    @property
    def open_inbound_streams(self) -> int:
        """Forget the closed streams, and say that there is room: h2 would cut the connection for one too many."""
        return super().open_inbound_streams * 0

    def _receive_settings_frame(self, frame):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # h2 has no types here
        """Ignore settings that do not exist (RFC 9113 6.5.2): h2 keeps each of 65,536."""
        frame.settings = {code: value for code, value in frame.settings.items() if code in _KNOWN_SETTINGS}
        return super()._receive_settings_frame(frame)


_KNOWN_SETTINGS = frozenset(SettingCodes)


class _Frames(FrameBuffer):
    """Refuses a frame that is too long at its header, and headers without an end; h2 keeps 16 MiB of either first."""

    def __next__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204  # h2 has no types here
        if len(self._data) >= 3 and int.from_bytes(self._data[:3]) > self.max_frame_size:
            raise FrameTooLargeError("a frame is too long")
        return super().__next__()

    def _update_header_buffer(self, f):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # same
        frame = super()._update_header_buffer(f)
        if sum(len(each.data) for each in self._headers_buffer) > HEADER_BYTES:
            raise ProtocolError("headers without an end")
        return frame


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


def _nothing() -> None:
    """Do nothing."""
