"""What surrounds every call: admission, deadline, request id, one log line, metrics, and error → status.

Servicers raise ``common.errors`` and name no status. An unforeseen exception becomes UNAVAILABLE: the sidecars read
INTERNAL and UNKNOWN as "nothing is in progress" (CSI 1.13 "Error Scheme"). Its traceback is in the log alone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from betterproto2 import Message
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.metadata import encode_grpc_message

from common import call_log, deadlines, errors, message_check, printable, redaction
from common.codes import Code
from common.grpc_framing import LARGEST_HEALTH_MESSAGE, LARGEST_MESSAGE, Exchange, GrpcStream, RequestBody, body_of
from common.grpc_headers import IncomingCall
from common.metrics import Metrics
from common.request_memory import HEALTH_BYTES, WORK_BYTES, MemoryBudget

log = structlog.get_logger()

AT_ONCE = 64  # calls under way; the sidecars' workers ask for more only when something hangs
WAITING = 1024  # calls that wait for their turn
UNLIMITED = frozenset({"csi.v1.Identity/Probe", "csi.v1.Identity/GetPluginInfo"})  # answered from memory, at once
QUIET = ("csi.v1.Identity/", "csi.v1.Node/NodeGetCapabilities", "csi.v1.Controller/ControllerGetCapabilities")
SUBJECTS = ("volume_id", "snapshot_id", "node_id")
LONGEST_TEXT = 2048  # characters of an error that are passed on
LONGEST_HEADER = 6144  # bytes of an error, encoded; gRPC's C core refuses an answer with more than 8 KiB of headers

Servicer = Callable[[Exchange], Awaitable[None]]


class Calls:
    """All calls of one process: how many at once, what each came to, and how they end when the process does."""

    def __init__(self, metrics: Metrics, *, at_once: int = AT_ONCE, memory: MemoryBudget | None = None) -> None:
        """``memory`` is that of another server of the process, which both share."""
        self._metrics = metrics
        self.memory = memory or MemoryBudget(WORK_BYTES)
        self._health_memory = MemoryBudget(HEALTH_BYTES)
        self._decoding = asyncio.Lock()
        self._places = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._timers: set[asyncio.Timeout] = set()
        self._draining = False

    def drain(self) -> None:
        """Refuse every call that comes from now on."""
        self._draining = True

    def expire(self) -> None:
        """End the calls under way; each is answered UNAVAILABLE. Work past its commit point goes on."""
        self._draining = True
        now = asyncio.get_running_loop().time()
        for timer in self._timers:
            if not timer.expired():
                timer.reschedule(now)

    def body(self, call: IncomingCall, acknowledge: Callable[[int], None], header_bytes: int) -> RequestBody:
        """Return where the request of ``call`` is kept; ``acknowledge`` hears how many bytes more may be sent."""
        if call.method in UNLIMITED:
            return RequestBody(self._health_memory, acknowledge, header_bytes, LARGEST_HEALTH_MESSAGE)
        return RequestBody(self.memory, acknowledge, header_bytes, LARGEST_MESSAGE)

    def surround(self, call: IncomingCall, handler: Handler | None) -> Handler:
        """Return ``handler`` with everything around it that ``call`` needs. None means that there is no such method."""
        if handler is None:
            handler = _no_such_method(call)

        async def serve(stream: GrpcStream) -> None:
            await self._serve(call, handler, stream)

        return handler._replace(func=serve)

    async def _serve(self, call: IncomingCall, handler: Handler, stream: GrpcStream) -> None:
        structlog.contextvars.bind_contextvars(request_id=call.request_id, method=call.method)
        started = asyncio.get_running_loop().time()
        in_flight = self._metrics.in_flight.labels(call.method)
        in_flight.inc()
        outcome = _Outcome(Status.CANCELLED)  # unless it ends: then its caller is gone, and nobody hears more
        try:
            with self._metrics.under_way.one(call.method):
                await self._run(call, handler, stream)
            outcome = _Outcome(Status.OK)
        except Exception as error:  # noqa: BLE001  # the one place where every error gets its status
            outcome, message = _answer(call, error)
            raise GRPCError(outcome.status, message) from None
        finally:
            in_flight.dec()
            self._record(call, outcome, asyncio.get_running_loop().time() - started)

    async def _run(self, call: IncomingCall, handler: Handler, stream: GrpcStream) -> None:
        if call.fault is not None:
            raise call.fault
        if self._draining:
            raise errors.Unavailable("the driver is shutting down", error_code=Code.SHUTTING_DOWN)
        if call.deadline is not None and call.deadline <= asyncio.get_running_loop().time():
            raise errors.DeadlineExceeded("the caller's time was over when the call came")
        timer = asyncio.timeout_at(call.deadline)
        self._timers.add(timer)
        try:
            async with timer:
                request = await self._receive(call, body_of(stream), handler.request_type)
                _look_at(call, request)
                async with self._place(call):
                    await _act(call, handler.func, Exchange(stream, request))
        except TimeoutError:
            if timer.expired():
                raise self._out_of_time(call) from None
            raise
        finally:
            self._timers.discard(timer)

    async def _receive(self, call: IncomingCall, body: RequestBody, kind: type[Message]) -> Message:
        data = await body.message()
        if call.method in UNLIMITED:
            return message_check.decode(data, kind, body.hold_fields)
        async with self._decoding:
            await asyncio.sleep(0)  # noqa: TID251  # one message in a turn of the loop: many would hold up a Probe
            return message_check.decode(data, kind, body.hold_fields)

    def _out_of_time(self, call: IncomingCall) -> errors.NotFinal:
        if self._draining:
            return errors.OutcomeUnknown("the driver shut down before the call was done", error_code=Code.SHUTTING_DOWN)
        text = "; ".join([*call.obstacle, "the caller's time ran out"])
        return errors.DeadlineExceeded(text)

    @asynccontextmanager
    async def _place(self, call: IncomingCall) -> AsyncIterator[None]:
        """Wait for one of the places. Health never waits behind work."""
        if call.method in UNLIMITED:
            yield
            return
        if self._waiting >= WAITING:
            raise errors.Unavailable(f"{self._waiting} calls wait already", error_code=Code.OVERLOADED)
        self._waiting += 1
        call.obstacle = [f"as many calls as there may be are under way, and {self._waiting - 1} came before this one"]
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    def _record(self, call: IncomingCall, outcome: "_Outcome", seconds: float) -> None:
        status = outcome.status
        self._metrics.calls.labels(call.method, status.name).inc()
        self._metrics.seconds.labels(call.method).observe(seconds)
        fields = {**call.subject, "code": status.name, "seconds": round(seconds, 4)}
        if status is Status.CANCELLED and call.obstacle:
            log.warning("call", **fields, message=f"{call.obstacle[0]}; the caller left")
        elif status is Status.CANCELLED:
            log.info("call", **fields)
        elif status is not Status.OK:
            log.warning("call", **fields, **outcome.error)
        elif call.method.startswith(QUIET):
            log.debug("call", **fields)
        else:
            log.info("call", **{**fields, **call.facts})


@dataclass(frozen=True)
class _Outcome:
    """What a call came to, and the fields of the log that tell of its error."""

    status: Status
    error: Mapping[str, str] = field(default_factory=dict)


def _look_at(call: IncomingCall, request: Message) -> None:
    """Learn what the call is about, and which values must be told to no one."""
    redaction.hide(*redaction.secrets_of(request))
    found = {name: getattr(request, name, None) for name in SUBJECTS}
    call_log.begin(call.subject)
    call_log.about(**{name: value for name, value in found.items() if isinstance(value, str) and value})


async def _act(call: IncomingCall, servicer: Servicer, exchange: Exchange) -> None:
    unbounded = asyncio.get_running_loop().time() + deadlines.UNBOUNDED_SECONDS
    deadline = unbounded if call.deadline is None else call.deadline
    with deadlines.until(deadline) as call.obstacle, call_log.collecting() as call.facts:
        try:
            await servicer(exchange)
        except GRPCError as error:
            if error.status is Status.UNIMPLEMENTED:  # what a generated base does for a method that nobody wrote
                raise errors.Unimplemented(f"{call.method} is not offered by this driver") from None
            raise


def _answer(call: IncomingCall, error: Exception) -> tuple[_Outcome, str]:
    """Return what the log tells of ``error``, and what the caller is told."""
    if not isinstance(error, errors.DriverError):
        log.error("unforeseen", exc_info=error)
        kind = type(error).__name__
        error = errors.OutcomeUnknown(
            f"internal error ({kind}); see the driver's log for request {call.request_id}", error_code=Code.INTERNAL
        )
    told = {name: text[:LONGEST_TEXT] for name, text in errors.fields(error).items()}
    return _Outcome(error.status, told), _one_header(error.coded)


def _no_such_method(call: IncomingCall) -> Handler:
    call.fault = call.fault or errors.Unimplemented(f"there is no method {call.method[:100]!r}")
    call.method = "unknown"  # the name is the caller's: as a metric's label it could grow without end
    return Handler(None, Cardinality.UNARY_UNARY, Message, Message)


def _one_header(text: str) -> str:
    """Return ``text`` fit for the grpc-message header: strict clients hang up at blanks around it, or at its length.

    The header is percent-encoded, so some characters take nine bytes of it (gRPC over HTTP/2, "Responses").
    """
    shown = printable.printable(redaction.scrub(text).strip())[:LONGEST_TEXT]
    while len(encode_grpc_message(shown)) > LONGEST_HEADER:
        shown = shown[: len(shown) * 3 // 4]
    return shown.strip()
