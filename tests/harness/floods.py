"""What a hostile or broken client sends to the gRPC socket or the health page, in bounded amounts.

Frames are built by hand: no well-behaved library sends them. Source: RFC 9113 6.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError
from hpack import Encoder, NeverIndexedHeaderTuple

from csi_proto.csi import v1 as csi
from tests.harness.slow import Service
from tools.csi.client import Client
from tools.processes.memory import cpu_seconds, resident_mib

Item = TypeVar("Item")

DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
PROBE, DELETE = "/csi.v1.Identity/Probe", "/csi.v1.Controller/DeleteVolume"
CHUNK_FRAMES = 500
SOON_CPU_SECONDS = 10.0  # that the service may compute until a probe is answered, whatever else the machine does
HUNG_SECONDS = 120.0
TRIES = 3  # of kubelet, until it takes a container for one that does not live
BLOCKED_SECONDS = 0.5  # nothing is taken for so long: the server reads no more


def batched(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of ``size``, as itertools does since Python 3.12."""
    while batch := list(islice(items, size)):
        yield batch


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """Return a frame."""
    return struct.pack(">HBBBI", len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def headers(path: str, *more: tuple[str, str]) -> bytes:
    """Return a header block that can be sent again and again: nothing of it enters the decoder's table."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), ("te", "trailers")]
    fields += [("content-type", "application/grpc"), *more]
    return Encoder().encode([NeverIndexedHeaderTuple(name, value) for name, value in fields])


def streams(count: int) -> Iterator[int]:
    """Yield the numbers of a client's first streams."""
    return iter(range(1, 2 * count, 2))


def resets(count: int, path: str = DELETE) -> Iterator[bytes]:
    """Yield calls that are reset at once (CVE-2023-44487)."""
    block = headers(path)
    for stream in streams(count):
        yield frame(HEADERS, stream, block, END_HEADERS) + frame(RST_STREAM, stream, b"\0\0\0\x08")


def half_sent(count: int, size: int, *, told: int, piece: int = 16384) -> Iterator[bytes]:
    """Yield calls whose messages, ``told`` bytes long, end after ``size`` bytes, in frames of ``piece`` bytes."""
    block, part = headers(DELETE), bytes(piece)
    for stream in streams(count):
        yield frame(HEADERS, stream, block, END_HEADERS)
        yield frame(DATA, stream, struct.pack(">BI", 0, told))
        for _ in range(size // piece):
            yield frame(DATA, stream, part)


def empty_frames(count: int) -> Iterator[bytes]:
    """Yield frames without data on one call."""
    yield frame(HEADERS, 1, headers(DELETE), END_HEADERS)
    for _ in range(count):
        yield frame(DATA, 1)


def pings(count: int) -> Iterator[bytes]:
    """Yield pings, each of which wants an answer."""
    for number in range(count):
        yield frame(PING, 0, struct.pack(">Q", number))


def odd_settings(count: int) -> Iterator[bytes]:
    """Yield settings that do not exist."""
    for numbers in batched(iter(range(count)), 100):
        yield frame(SETTINGS, 0, b"".join(struct.pack(">HI", 0x1000 + number % 0xE000, number) for number in numbers))


def table_sizes(*sizes: int) -> Iterator[bytes]:
    """Yield settings of the size that the table of sent headers may have, bytes."""
    for size in sizes:
        yield frame(SETTINGS, 0, struct.pack(">HI", 1, size))


def endless_headers(count: int) -> Iterator[bytes]:
    """Yield headers that go on and on."""
    yield frame(HEADERS, 1, headers(DELETE))
    for _ in range(count):
        yield frame(CONTINUATION, 1, bytes(16384))


def long_frame() -> Iterator[bytes]:
    """Yield the begin of a frame of 16 MiB, and 15 MiB of it."""
    yield b"\xff\xff\xff" + frame(DATA, 1)[3:]
    for _ in range(15 << 6):
        yield bytes(16384)


def open_calls(count: int, header_bytes: int = 0) -> Iterator[bytes]:
    """Yield the headers of calls that send nothing else."""
    block = headers(DELETE, *([("user-agent", "x" * header_bytes)] if header_bytes else []))
    for stream in streams(count):
        yield frame(HEADERS, stream, block, END_HEADERS)


@asynccontextmanager
async def poured(
    socket: Path, frames: Iterator[bytes], *, read: bool = True, patience: float = BLOCKED_SECONDS
) -> AsyncIterator[None]:
    """Send ``frames`` on a connection that stays open meanwhile; until the server hangs up, or reads no more."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    drain = asyncio.create_task(_drain(reader)) if read else None
    try:
        writer.write(PREFACE)
        with suppress(ConnectionError, TimeoutError):
            for chunk in batched(frames, CHUNK_FRAMES):
                writer.write(b"".join(chunk))
                async with asyncio.timeout(HUNG_SECONDS if read else patience):
                    await writer.drain()
        yield
    finally:
        if drain is not None:
            drain.cancel()
        writer.transport.abort()


async def _drain(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass


@asynccontextmanager
async def silent(count: int, *, socket: Path | None = None, port: int = 0) -> AsyncIterator[None]:
    """Hold so many connections that send nothing, and open each again when the server ends it."""
    async with asyncio.TaskGroup() as tasks:
        holders = [tasks.create_task(_hold(socket, port)) for _ in range(count)]
        try:
            yield
        finally:
            for holder in holders:
                holder.cancel()


async def _hold(socket: Path | None, port: int) -> None:
    while True:
        with suppress(OSError):
            opened = asyncio.open_unix_connection(str(socket)) if socket else asyncio.open_connection("127.0.0.1", port)
            reader, writer = await opened
            try:
                await reader.read()
            finally:
                writer.transport.abort()


@dataclass
class Probes:
    """Asks the gRPC socket and the health page whether they answer; each time on a connection of its own."""

    socket: Path
    port: int
    pid: int
    slowest: float = 0.0  # seconds that the service computed meanwhile
    answered: int = 0

    async def ask(self, times: int) -> None:
        """Ask both. Raises TimeoutError if the service does not answer, AssertionError if other work goes before it."""
        for _ in range(times):
            for question in (self._probe, self._healthz):
                begin = cpu_seconds(self.pid)
                async with asyncio.timeout(HUNG_SECONDS):
                    await question()
                self.slowest = max(self.slowest, cpu_seconds(self.pid) - begin)
                assert self.slowest < SOON_CPU_SECONDS
            self.answered += 1

    async def _probe(self) -> None:
        async with Client(self.socket) as client:
            assert (await client.call(csi.ProbeRequest(), csi.ProbeResponse, seconds=HUNG_SECONDS)).ready

    async def _healthz(self) -> None:
        for _ in range(TRIES):
            if await self._page() == b"ok":
                return
        raise AssertionError(f"no answer of the health page in {TRIES} tries")

    async def _page(self) -> bytes:
        """Return the last line; nothing if newer connections push this one out before it has asked."""
        with suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
                return (await reader.read()).rstrip(b"\n").rpartition(b"\n")[2]
            finally:
                writer.transport.abort()
        return b""


async def calls_still_work(socket: Path) -> None:
    """Make a call that does something; it is refused as long as the service has not seen that the flood's end came."""
    async with Client(socket) as client, asyncio.timeout(HUNG_SECONDS):
        while True:
            try:
                await client.call(csi.DeleteVolumeRequest(volume_id="0"), csi.DeleteVolumeResponse)
            except GRPCError as error:
                if error.status not in {Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED}:
                    raise
            else:
                return


@dataclass(frozen=True)
class Cost:
    """What a flood cost the service, MiB more than before."""

    during: float
    after: float


async def cost(
    folder: Path, flood: Callable[[Service], AbstractAsyncContextManager[object]], *, cap_mib: int, probes: int
) -> Cost:
    """Return what ``flood`` costs a service that may take ``cap_mib`` more, while probes are answered in time."""
    service = Service(folder)
    await service.up()
    try:
        asks = Probes(service.socket, service.health_port, service.pid)
        await asks.ask(1)
        before = resident_mib(service.pid)
        service.cap_memory(cap_mib)
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(asks.ask(probes))
            async with flood(service):
                await asking
                during = resident_mib(service.pid)
        await calls_still_work(service.socket)
        assert asks.answered == probes + 1
        return Cost(during - before, resident_mib(service.pid) - before)
    finally:
        service.kill()


@asynccontextmanager
async def poured_by(socket: Path, clients: int, frames: Callable[[], Iterator[bytes]]) -> AsyncIterator[None]:
    """Do the same on several connections at once."""
    async with AsyncExitStack() as connections, asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(connections.enter_async_context(poured(socket, frames())))
        yield
