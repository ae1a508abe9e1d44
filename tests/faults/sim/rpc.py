"""Calls to a driver process, through the real ``common.rpc``, on a wire in memory that can break.

The caller's time-out travels as the grpc-timeout header; when it ends, or the caller gives up, the servicer's task is
cancelled twice, as a server's timer and a client's reset do. A process that dies answers UNAVAILABLE.
"""

import asyncio
import struct
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import TypeVar

from betterproto2 import Message
from grpclib.const import Handler, Status
from grpclib.exceptions import GRPCError

from common import grpc_headers
from common.grpc_framing import RequestBody
from common.rpc import Calls
from common.server import Service
from tests.faults.sim.loop import Process, current, sleep
from tools.csi.client import ROUTES

Reply = TypeVar("Reply", bound=Message)
HANG_UP_SECONDS = 0.02  # until a server learns that a client is gone
NOT_FINAL = frozenset(
    {Status.CANCELLED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED, Status.ABORTED}
)


class Failed(Exception):
    """A call was not answered with a reply."""

    def __init__(self, method: str, status: Status, message: str) -> None:
        super().__init__(f"{method}: {status.name} {message}")
        self.status = status
        self.message = message

    @property
    def final(self) -> bool:
        """Whether attacher, resizer, snapshotter and kubelet take it for "nothing is in progress"."""
        return self.status not in NOT_FINAL


class _Frames:
    def __init__(self, body: RequestBody) -> None:
        self.buffer = body


class _Stream:
    sent: Message | None = None

    def open(self, body: RequestBody, request: bytes) -> None:
        """Let ``request`` come whole."""
        self._stream = _Frames(body)
        body.add(struct.pack(">BI", 0, len(request)) + request, 0)
        body.eof()

    async def send_message(self, message: Message) -> None:
        self.sent = message


class Served:
    """A driver process that serves."""

    def __init__(self, process: Process, services: list[Service], calls: Calls) -> None:
        self.process = process
        self._calls = calls
        self._mapping: Mapping[str, Handler] = {
            path: handler for service in services for path, handler in service.__mapping__().items()
        }

    async def call(self, request: Message, reply: type[Reply], seconds: float) -> Reply:
        """Return the answer. Raises Failed. Cancelling this call resets it."""
        path = ROUTES[type(request)].path
        stream = _Stream()
        await sleep(0.001)
        task = self.process.start(self._serve(path, stream, bytes(request), seconds))
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tell = _teller(gone)
        self.process.on_death(tell)
        caller, hang_up = current(), partial(self._hang_up, task)
        if caller is not None:
            caller.on_death(hang_up)
        try:
            await asyncio.wait({task, gone}, timeout=seconds + 0.05, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._reset(task)
            raise
        finally:
            self.process.forget(tell)
            if caller is not None:
                caller.forget(hang_up)
        if not task.done() or self.process.dead:
            self._reset(task)
            status = Status.UNAVAILABLE if self.process.dead else Status.DEADLINE_EXCEEDED
            raise Failed(path, status, "the connection broke" if self.process.dead else "no answer in time")
        return self._read(path, task, stream, reply)

    async def _serve(self, path: str, stream: _Stream, request: bytes, seconds: float) -> None:
        headers = [(":path", path), ("grpc-timeout", f"{int(seconds * 1000)}m"), ("x-request-id", "simulated")]
        call = grpc_headers.parse(headers)
        with closing(self._calls.body(call, lambda _size: None, 0)) as body:
            stream.open(body, request)
            await self._calls.surround(call, self._mapping.get(path)).func(stream)

    def _hang_up(self, task: asyncio.Task[None]) -> None:
        """The caller has died, so its connection is closed."""
        asyncio.get_running_loop().call_later(HANG_UP_SECONDS, task.cancel)

    def _reset(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        asyncio.get_running_loop().call_later(0.01, task.cancel)

    def _read(self, path: str, task: asyncio.Task[None], stream: _Stream, reply: type[Reply]) -> Reply:
        if task.cancelled():
            raise Failed(path, Status.CANCELLED, "the call was cancelled")
        error = task.exception()
        if isinstance(error, GRPCError):
            raise Failed(path, error.status, error.message or "")
        if error is not None:
            raise Failed(path, Status.UNKNOWN, repr(error)) from error
        assert isinstance(stream.sent, reply), stream.sent
        return reply.parse(bytes(stream.sent))


def _teller(gone: asyncio.Future[None]) -> Callable[[], None]:
    def tell() -> None:
        if not gone.done():
            gone.set_result(None)

    return tell
