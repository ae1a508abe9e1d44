"""What a call's HTTP/2 headers say: method, deadline, request id. Headers that no one reads here cannot break a call.

Source: gRPC over HTTP/2, "Requests".
"""

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from common import errors

Headers = list[tuple[str, str]]

REQUEST_ID_KEY = "x-request-id"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
UNIT_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
PASSED_ON = (":method", ":path", "content-type", "te", "user-agent")  # grpclib judges these


@dataclass
class IncomingCall:
    """One call: what its headers say, and what is learned while it is served."""

    method: str
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    deadline: float | None = None  # loop time, seconds
    fault: errors.DriverError | None = None  # why it is refused before anything is done
    subject: dict[str, str] = field(default_factory=dict)  # what it is about, for the log: volume_id, volume_name, …
    facts: Mapping[str, str | int] = field(default_factory=dict)  # what is told of it if it ends well: see ``call_log``
    obstacle: list[str] = field(default_factory=list)  # what stands in its way now, as ``deadlines.note`` says


def parse(headers: Headers) -> IncomingCall:
    """Return the call; what is wrong with its headers is its ``fault``."""
    values = dict(headers)
    call = IncomingCall(method=values.get(":path", "").removeprefix("/"))
    if REQUEST_ID.fullmatch(wanted := values.get(REQUEST_ID_KEY, "")):
        call.request_id = wanted
    if (timeout := values.get("grpc-timeout")) is not None:
        _set_deadline(call, timeout)
    return call


def passed_on(headers: Headers) -> Headers:
    """Return the headers that grpclib must see: a bad ``-bin`` header makes it drop the call unanswered."""
    values = {":method": "", ":path": "", **dict(headers)}
    return [(name, values[name]) for name in PASSED_ON if name in values]


def _set_deadline(call: IncomingCall, timeout: str) -> None:
    if (match := TIMEOUT.fullmatch(timeout)) is None:
        call.fault = errors.InvalidArgument("the grpc-timeout header is malformed")
        return
    number, unit = match.groups()
    call.deadline = asyncio.get_running_loop().time() + int(number) * UNIT_SECONDS[unit]
