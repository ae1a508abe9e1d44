"""The calls of one connection: a task for each, and what of it is kept until it is answered."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from grpclib.const import Handler
from grpclib.encoding.proto import ProtoCodec
from grpclib.events import _DispatchServerEvents
from grpclib.protocol import Stream
from grpclib.server import Handler as Acceptor
from grpclib.server import request_handler
from h2.errors import ErrorCodes
from h2.stream import StreamState

from common import grpc_headers, rpc
from common.grpc_framing import Codec, RequestBody


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


def _nothing() -> None:
    """Do nothing."""
