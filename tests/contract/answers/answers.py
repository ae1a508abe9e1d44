"""The answers: what proxies, gateways, login pages, broken caches and broken lines send in the API's place."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import aiohttp

from tests.fakes.wire import JSON, Reply

Genuine = tuple[int, Mapping[str, object]]  # what the API would have said: status and JSON

HTML, TEXT = "text/html; charset=utf-8", "text/plain"
PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>limit exceeded, not found</body></html>"
MIB = 1 << 20
HUGE_BYTES = 100 * MIB
SLOW_SECONDS = 45.0
OTHER_ID = "0badc0de-0000-4000-8000-000000000bad"
STATUSES = (
    *(200, 201, 202, 203, 204, 205, 206, 207, 226, 300, 301, 302, 303, 304, 307, 308),
    *(
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
        409,
        410,
        411,
        412,
        413,
        414,
        415,
        417,
        418,
        421,
        422,
        423,
        425,
        426,
    ),
    *(428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 511, 520, 524, 530, 599),
)


@dataclass(frozen=True)
class Foreign:
    """One answer. ``make`` gets what the API would have said, and returns a reply, or the error of a broken line."""

    name: str
    make: Callable[[int, Mapping[str, object]], Reply | aiohttp.ClientError]
    seconds: float = 0.0


def everything() -> Iterator[Foreign]:
    """Yield them all."""
    for status in STATUSES:
        yield Foreign(f"{status} page", _always(status, PAGE, HTML))
    for status in (200, 204, 303, 401, 403, 404, 409, 422, 429, 503):
        yield Foreign(f"{status} empty", _always(status, b"", ""))
    yield from _documented_status()
    yield from _errors()
    yield from _lines()


def _documented_status() -> Iterator[Foreign]:
    """Replies with exactly the status that the API documents, which are not the API's all the same."""
    yield Foreign("documented status, page", lambda status, _: Reply(_with_body(status), PAGE, HTML))
    yield Foreign("documented status, empty", lambda status, _: Reply(_with_body(status), b"", JSON))
    for name, text in {
        "{}": b"{}",
        "[]": b"[]",
        "null": b"null",
        "a number": b"NaN",
        "deep": b"[" * 5000,
        "bad UTF-8": b'{"volume": "\xff\xfe"}',
        "cut off": b'{"volume": {"id": "',
        "another word": b'{"result": "ok"}',
    }.items():
        yield Foreign(f"documented status, {name}", _fixed(text))
    yield Foreign("documented status, as text", lambda status, said: Reply(_with_body(status), _dump(said), TEXT))
    yield Foreign("documented status, compressed", lambda status, said: _encoded(status, said, "gzip"))
    yield Foreign("documented status, huge", lambda status, said: _huge(status, _dump(said)))
    yield Foreign("another object", lambda status, said: Reply(_with_body(status), _dump(_other(said)), JSON))
    yield Foreign("an object out of range", lambda status, said: Reply(_with_body(status), _dump(_odd(said)), JSON))


def _errors() -> Iterator[Foreign]:
    """Errors in JSON that a gateway may send, or that do not fit their status."""
    for name, status, said in (
        ("a gateway's 404", 404, {"message": "no Route matched with those values"}),
        ("a router's 404", 404, {"id": "route_not_found", "message": "not found"}),
        ("404 in another kind", 404, {"errors": [{"code": "not_found"}]}),
        ("a conflict that is not found", 409, {"id": "not_found", "message": "no"}),
        ("a gateway's 403", 403, {"message": "Forbidden: limit exceeded"}),
        ("a gateway's 401", 401, {"message": "Unauthorized"}),
        ("410 of the API's shape", 410, {"id": "gone", "message": "gone"}),
        ("408 of the API's shape", 408, {"id": "timeout", "message": "timed out"}),
        ("500 of the API's shape", 500, {"id": "server_error", "message": "Unexpected server-side error"}),
        ("503 of the API's shape", 503, {"id": "service_unavailable", "message": "not now"}),
    ):
        yield Foreign(name, _always(status, _dump(said), JSON))
    gone = _dump({"id": "not_found", "message": "The resource you were accessing could not be found."})
    yield Foreign("not found, as text", lambda _s, _j: Reply(404, gone, TEXT))
    yield Foreign("not found, compressed", lambda _s, _j: Reply(404, gone, JSON, headers={"Content-Encoding": "br"}))
    yield Foreign("not found, huge", lambda _s, _j: Reply(404, gone, JSON, HUGE_BYTES))
    yield Foreign("429, wait for years", lambda _s, _j: Reply(429, PAGE, HTML, headers={"retry-after": "1829805381"}))
    yield Foreign("503, wait a while", lambda _s, _j: Reply(503, PAGE, HTML, headers={"retry-after": "20"}))
    yield Foreign("redirect to a login", lambda _s, _j: Reply(302, b"", headers={"location": "/login"}))


def _lines() -> Iterator[Foreign]:
    yield Foreign("no answer", lambda _s, _j: aiohttp.ServerDisconnectedError(), 1.0)
    yield Foreign("a cut answer", lambda _s, _j: aiohttp.ClientPayloadError("cut"), 1.0)
    yield Foreign("a late answer", lambda status, said: Reply(status, _dump(said), JSON), SLOW_SECONDS)
    yield Foreign("a late page", lambda _s, _j: Reply(200, PAGE, HTML), 3.0)


def _always(status: int, body: bytes, kind: str) -> Callable[[int, Mapping[str, object]], Reply]:
    return lambda _s, _j: Reply(status, body, kind)


def _with_body(status: int) -> int:
    return 200 if status == 204 else status


def _dump(said: Mapping[str, object]) -> bytes:
    return json.dumps(said).encode()


def _fixed(text: bytes) -> Callable[[int, Mapping[str, object]], Reply]:
    return lambda status, _: Reply(_with_body(status), text, JSON)


def _encoded(status: int, said: Mapping[str, object], encoding: str) -> Reply:
    return Reply(_with_body(status), _dump(said), JSON, headers={"Content-Encoding": encoding})


def _huge(status: int, body: bytes) -> Reply:
    return Reply(_with_body(status), body, JSON, HUGE_BYTES)


def _other(said: Mapping[str, object]) -> Mapping[str, object]:
    """Return the same kind of object, about something else."""
    return {key: {**value, **_else(value)} if isinstance(value, dict) else [] for key, value in said.items()}


def _else(value: Mapping[str, object]) -> dict[str, object]:
    kinds = {"attach_volume": "detach_volume", "detach_volume": "attach_volume", "resize_volume": "attach_volume"}
    changed: dict[str, object] = {"id": OTHER_ID, "name": "somebody-else", "resource_id": OTHER_ID}
    if "type" in value:
        changed = {"id": 424242, "type": kinds[str(value["type"])], "resource_id": 999, "status": "completed"}
    return {name: changed[name] for name in changed if name in value}


def _odd(said: Mapping[str, object]) -> Mapping[str, object]:
    odd = {"size_gigabytes": 1 << 70, "id": -5, "min_disk_size": -1}
    return {
        key: {**value, **{name: odd[name] for name in odd if name in value}} if isinstance(value, dict) else value
        for key, value in said.items()
    }
