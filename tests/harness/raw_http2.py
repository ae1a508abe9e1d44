"""An HTTP/2 client that may break the rules: what no well-behaved gRPC client would send to the driver's socket."""

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    PingReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

Header = tuple[str | bytes, str | bytes]

SECONDS = 30.0  # for any answer


@dataclass
class Answer:
    """What came back on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    reset: ErrorCodes | int | None = None  # why the server reset the stream

    @property
    def status(self) -> int:
        """The grpc-status; -1 if there is none."""
        return int(self.headers.get("grpc-status", -1))


class RawClient:
    """One connection. Used with ``async with``; every wait has a limit."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._h2 = H2Connection(
            H2Configuration(
                client_side=True,
                header_encoding="latin-1",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.goaway: ConnectionTerminated | None = None
        self.pinged = False  # before the goaway
        self._early: list[Event] = []  # came before somebody waited for them

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_unix_connection(str(self._socket))
        self._h2.initiate_connection()
        self._flush()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def call(self, path: str, body: bytes, *extra: Header, left_out: Sequence[str] = ()) -> Answer:
        """Send one call and return its answer. Raises TimeoutError if none comes, EOFError if the server hangs up."""
        stream = self.begin(path, *extra, left_out=left_out)
        self.send(stream, body)
        return await self.answer(stream)

    def begin(self, path: str, *extra: Header, left_out: Sequence[str] = ()) -> int:
        """Send a call's headers; return its stream."""
        stream = self._h2.get_next_available_stream_id()
        usual: list[Header] = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ]
        self._h2.send_headers(stream, [header for header in usual if header[0] not in left_out] + list(extra))
        self._flush()
        return stream

    def send(self, stream: int, body: bytes, *, end: bool = True) -> None:
        """Send bytes of a call's body, up to one frame of them."""
        self._h2.send_data(stream, body, end_stream=end)
        self._flush()

    async def send_much(self, stream: int, body: bytes) -> None:
        """Send more of a call's body than the windows allow at once, and leave the body open."""
        async with asyncio.timeout(SECONDS):
            while body:
                room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
                if room:
                    self.send(stream, body[:room], end=False)
                    body = body[room:]
                else:
                    self._early += await self._events()

    def reset(self, stream: int) -> None:
        """Reset a call."""
        self._h2.reset_stream(stream, ErrorCodes.CANCEL)
        self._flush()

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def answer(self, stream: int) -> Answer:
        """Return what comes back on ``stream``."""
        answer = Answer()
        events, self._early = self._early, []
        async with asyncio.timeout(SECONDS):
            while True:
                for event in events:
                    if self._take(event, stream, answer):
                        return answer
                events = await self._events()

    async def ping(self) -> None:
        """Return when the server has answered a ping."""
        self._h2.ping(b"12345678")
        self._flush()
        async with asyncio.timeout(SECONDS):
            while not any(isinstance(event, PingAckReceived) for event in await self._events()):
                pass

    async def closed(self) -> None:
        """Return when the server has closed the connection; what it said before is in ``pinged`` and ``goaway``."""
        async with asyncio.timeout(SECONDS):
            while data := await self._last_words():
                for event in self._h2.receive_data(data):
                    self.pinged |= isinstance(event, PingReceived) and self.goaway is None
                    if isinstance(event, ConnectionTerminated):
                        self.goaway = event
                self._flush()

    async def _last_words(self) -> bytes:
        try:
            return await self._reader.read(65536)
        except ConnectionResetError:  # closed while something of ours was unread: what it said came before
            return b""

    async def _events(self) -> list[Event]:
        if not (data := await self._reader.read(65536)):
            raise EOFError
        events = self._h2.receive_data(data)
        self._flush()
        return events

    def _take(self, event: Event, stream: int, answer: Answer) -> bool:
        """Add ``event`` to the answer; tell whether that was all of it."""
        if isinstance(event, ConnectionTerminated):
            raise EOFError  # noqa: TRY004  # no wrong type: the server hung up
        if getattr(event, "stream_id", None) != stream:
            return False
        if isinstance(event, ResponseReceived | TrailersReceived):
            answer.headers.update((str(name), str(value)) for name, value in event.headers)
        if isinstance(event, DataReceived):
            answer.data += event.data
        if isinstance(event, StreamReset):
            answer.reset = event.error_code
        return isinstance(event, StreamEnded | StreamReset)

    def _flush(self) -> None:
        self._writer.write(self._h2.data_to_send())


def frame(kind: int, payload: bytes) -> bytes:
    """Return an HTTP/2 frame of any type, on no stream and without flags (RFC 9113 4.1)."""
    return struct.pack(">HBBBI", len(payload) >> 8, len(payload) & 0xFF, kind, 0, 0) + payload


def framed(message: bytes, *, compressed: bool = False, length: int | None = None) -> bytes:
    """Return ``message`` with its gRPC prefix, which may lie."""
    return struct.pack(">BI", compressed, len(message) if length is None else length) + message
