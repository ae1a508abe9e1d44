"""One call's messages on the wire: the length prefix, the limits, and what is refused before it is read.

Stands in for grpclib's stream where the generated servicer base expects one, because grpclib buffers a message of any
size, and answers UNKNOWN to compressed, truncated or undecodable ones.

Source: gRPC over HTTP/2, "Length-Prefixed-Message" and "Compression".
"""

import asyncio
import struct
from typing import Protocol

from betterproto2 import Message

from common import errors, message_check

LARGEST_MESSAGE = 4 << 20  # bytes, gRPC's customary limit
BODY_SECONDS = 30.0  # a caller that has opened a call sends its message at once


class Frames(Protocol):
    """What is used of grpclib's protocol stream."""

    async def recv_data(self, size: int) -> bytes: ...  # noqa: D102  # the next ``size`` bytes; fewer is AssertionError


class GrpcStream(Protocol):
    """What is used of grpclib's server stream."""

    _stream: Frames

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
        """Send a reply."""
        await self._stream.send_message(message)


async def receive(stream: GrpcStream, kind: type[Message]) -> Message:
    """Read the request. Raises InvalidArgument, ResourceExhausted (too large) or Unimplemented (compressed)."""
    frames = stream._stream  # noqa: SLF001  # a test holds this private name
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return message_check.decode(await _read(frames), kind)
    except TimeoutError:
        raise errors.InvalidArgument(f"no message came within {BODY_SECONDS:g} s") from None
    except AssertionError:  # grpclib's way to say that the stream ended early
        raise errors.InvalidArgument("the message is shorter than its length prefix says") from None


async def _read(frames: Frames) -> bytes:
    prefix = await frames.recv_data(5)
    if not prefix:
        raise errors.InvalidArgument("the call has no message")
    compressed, length = struct.unpack(">BI", prefix)
    if compressed:
        raise errors.Unimplemented("compressed messages are not supported", remedy="call without compression")
    if length > LARGEST_MESSAGE:
        raise errors.ResourceExhausted(f"a message of {length} bytes is over the limit of {LARGEST_MESSAGE}")
    return await frames.recv_data(length)
