"""One call's messages on the wire: the length prefix, the limits, and what is refused before it is read.

Stands in for grpclib's stream where the generated servicer base expects one, and for the buffer of its protocol stream:
grpclib buffers messages of any size, keeps an object for each frame, however small, and answers UNKNOWN to compressed,
truncated or undecodable ones.

Source: gRPC over HTTP/2, "Length-Prefixed-Message" and "Compression".
"""

import asyncio
import struct
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from betterproto2 import Message
from grpclib.encoding.proto import ProtoCodec

from common import errors
from common.codes import Code
from common.request_memory import MemoryBudget

if TYPE_CHECKING:
    from grpclib._typing import IProtoMessage

LARGEST_MESSAGE = 1 << 20  # bytes; the largest that CSI needs are secrets, of which Kubernetes allows 1 MiB
LARGEST_HEALTH_MESSAGE = 1024  # bytes; they are empty
PREFIX_BYTES = 5
CALL_BYTES = 20 << 10  # what a call costs beside its headers and message: task, stream, coroutines, a usual message
FIELD_BYTES = 512  # what a field costs that was decoded
USUAL_FIELDS = 64
BODY_SECONDS = 30.0  # a caller that has opened a call sends its message at once
SEND_SECONDS = 30.0  # and reads its answer


Fault = Callable[[], errors.DriverError]  # made when it is raised: one that is kept keeps its traceback, and all in it


def _gave_way() -> errors.DriverError:
    return errors.ResourceExhausted(
        "the message did not come whole while others needed the memory",
        remedy="send it at once",
        error_code=Code.OVERLOADED,
    )


def _too_large(limit: int) -> errors.ResourceExhausted:
    return errors.ResourceExhausted(
        f"a message is over the limit of {limit} bytes", remedy="send less in one message", error_code=Code.TRANSPORT
    )


def _no_memory() -> errors.DriverError:
    return errors.Unavailable("the calls under way hold all the memory they may", error_code=Code.OVERLOADED)


def _has_ended() -> errors.DriverError:
    return errors.Unavailable("the call has ended", error_code=Code.TRANSPORT)


class RequestBody:
    """The bytes of one call's request. The peer may send more at once, but no more than the budget allows is kept."""

    def __init__(
        self,
        budget: MemoryBudget,
        acknowledge: Callable[[int], None],
        header_bytes: int,
        largest: int,
    ) -> None:
        self._budget = budget
        self._acknowledge = acknowledge
        self._largest = largest
        self._data = bytearray()
        self._held = 0  # bytes of the budget
        self._fault: Fault | None = None
        self._ended = False
        self._changed = asyncio.Event()
        self.whole = False  # the message has been read
        budget.begin(self)
        self._hold_or_refuse(CALL_BYTES + header_bytes)

    def add(self, data: bytes, ack_size: int) -> None:
        """Take the data of a frame, whose ``ack_size`` bytes are acknowledged at once: the budget decides, no window.

        Raises nothing: what is wrong is told to whoever reads.
        """
        self._acknowledge(ack_size)
        if not data or self.whole or self._fault is not None:
            return
        if len(self._data) + len(data) > self._largest + PREFIX_BYTES:
            self._refuse(partial(_too_large, self._largest))
        elif self._hold_or_refuse(len(data)):
            self._data += data
            self._changed.set()

    def eof(self) -> None:
        """Learn that no more data comes."""
        self._ended = True
        self._changed.set()

    def unacked_size(self) -> int:
        """Return how many bytes are to be acknowledged when the stream is released: none."""
        return 0

    def give_way(self) -> None:
        """Make room for a younger request."""
        self._refuse(_gave_way)

    def hold(self, size: int) -> None:
        """Hold ``size`` bytes more until the call ends. Raises Unavailable if they cannot be had."""
        if not self._budget.take(size):
            raise _no_memory()
        self._held += size

    def hold_fields(self, fields: int) -> None:
        """Hold what a message of that many fields takes when it is decoded. Raises Unavailable."""
        self.hold(max(0, fields - USUAL_FIELDS) * FIELD_BYTES)

    def close(self) -> None:
        """Give back what is held: the call has ended."""
        self._budget.finish(self)
        self._drop()
        self._fault = self._fault or _has_ended

    async def message(self) -> bytes:
        """Return the message when it is whole.

        Raises InvalidArgument (none, or cut short), ResourceExhausted (too large, too slow), Unavailable (no memory) or
        Unimplemented (compressed).
        """
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await self._message()
        except TimeoutError:
            raise errors.InvalidArgument(
                f"no message came within {BODY_SECONDS:g} s", error_code=Code.TRANSPORT
            ) from None
        finally:
            self.whole = True  # what else comes is dropped
            self._budget.finish(self)
        return message

    async def _message(self) -> bytes:
        compressed, length = struct.unpack(">BI", await self._read(PREFIX_BYTES))
        if compressed:
            raise errors.Unimplemented("compressed messages are not supported", remedy="call without compression")
        if length > self._largest:
            raise _too_large(self._largest)
        return await self._read(length)

    async def _read(self, size: int) -> bytes:
        while len(self._data) < size:
            if self._fault is not None:
                raise self._fault()
            if self._ended:
                raise errors.InvalidArgument(
                    "the message is shorter than its length prefix says" if self._data else "the call has no message"
                )
            self._changed.clear()
            await self._changed.wait()
        with memoryview(self._data) as view:
            part = bytes(view[:size])
        del self._data[:size]
        return part

    def _hold_or_refuse(self, size: int) -> bool:
        if not self._budget.take(size):
            self._refuse(_no_memory)
            return False
        self._held += size
        if self._fault is not None:  # the oldest, which gave way, was this one
            self._drop()
        return self._fault is None

    def _refuse(self, fault: Fault) -> None:
        self._fault = self._fault or fault
        self._budget.finish(self)
        self._drop()
        self._changed.set()

    def _drop(self) -> None:
        self._data = bytearray()
        self._budget.give_back(self._held)
        self._held = 0


class Codec(ProtoCodec):
    """Encodes the replies of one call, whose bytes are held until they are sent."""

    def __init__(self, body: RequestBody) -> None:
        self._body = body

    def encode(self, message: "IProtoMessage", message_type: "type[IProtoMessage]") -> bytes:
        """Return the bytes of ``message``. Raises Unavailable if they cannot be held."""
        data = super().encode(message, message_type)
        self._body.hold(len(data))
        return data


class ProtocolStream(Protocol):
    """What is used of grpclib's protocol stream."""

    buffer: RequestBody


class GrpcStream(Protocol):
    """What is used of grpclib's server stream."""

    _stream: ProtocolStream

    async def send_message(self, message: Message) -> None: ...  # noqa: D102  # encodes, checks the type, sends


class Exchange:
    """The stream that a generated servicer base gets: one message in, which was read before, and messages out."""

    def __init__(self, stream: GrpcStream, request: Message) -> None:
        self._stream = stream
        self._request = request

    async def recv_message(self) -> Message:
        """Return the request."""
        return self._request

    async def send_message(self, message: Message) -> None:
        """Send a reply. Raises OutcomeUnknown if the caller does not read it."""
        timer = asyncio.timeout(SEND_SECONDS)
        try:
            async with timer:
                await self._stream.send_message(message)
        except TimeoutError:
            if timer.expired():
                raise errors.OutcomeUnknown(
                    f"the caller did not read its answer within {SEND_SECONDS:g} s", error_code=Code.TRANSPORT
                ) from None
            raise


def body_of(stream: GrpcStream) -> RequestBody:
    """Return the body of the request."""
    return stream._stream.buffer  # noqa: SLF001  # a test holds this private name
