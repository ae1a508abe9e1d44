"""Answers that are not the API's, or are odd: of proxies, login pages, caches, gateways, broken lines and clocks.

A fault's ``who`` is the place of one in ``ANSWERS``; ``amount`` says whether the cloud has carried the request out.
"""

import email.utils
import json as encoding
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

Json = Mapping[str, object]

HTML, JSON = "text/html; charset=utf-8", "application/json"
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>limit exceeded, not found</body></html>"
OTHER_ID = "0badc0de-0000-4000-8000-000000000bad"
HUGE_BYTES = 40 << 20
INTERVAL_TEXT = "failed to create snapshot: this operation is rate-limited - one request per 10m0s"
ACCOUNT_TEXT = "API Rate limit exceeded."
ODD_WAITS = ("-1", "0", "0.25", "86400", "1e9", "1829805381", "soon", "Thu, 01 Jan 2099 00:00:00 GMT", "")


@dataclass(frozen=True)
class Said:
    """An answer. ``length``: of the body, which is repeated until then; 0 leaves it as it is."""

    status: int
    body: bytes
    kind: str = JSON
    headers: Mapping[str, str] | None = None
    length: int = 0


Make = Callable[[Said], Said]


def _page(status: int) -> Make:
    return lambda _: Said(status, PAGE, HTML)


def _json(status: int, said: Json) -> Make:
    return lambda _: Said(status, encoding.dumps(said).encode())


def _with_body(genuine: Said) -> int:
    return 200 if genuine.status == 204 else genuine.status


def _cut(genuine: Said) -> Said:
    return replace(genuine, status=_with_body(genuine), body=genuine.body[: len(genuine.body) // 2] or b'{"vol')


def _other(genuine: Said) -> Said:
    """The same kind of object, about something else."""
    said = encoding.loads(genuine.body or b"{}")
    about = {key: _of_other(value) if isinstance(value, dict) else [] for key, value in said.items()}
    return replace(genuine, status=_with_body(genuine), body=encoding.dumps(about).encode())


def _of_other(value: dict[str, object]) -> Json:
    if "type" in value:
        return {**value, "id": 999_999_999, "resource_id": 999, "type": "snapshot_volume", "status": "completed"}
    return {**value, "id": 999 if isinstance(value.get("id"), int) else OTHER_ID, "name": "other", "droplet_ids": []}


def _of_list(change: Callable[[list[object]], list[object]], *, told: bool) -> Make:
    """Change the items of a list. ``told``: its total says what is there now; else it contradicts the items."""

    def make(genuine: Said) -> Said:
        said = encoding.loads(genuine.body or b"{}")
        for key, value in said.items():
            if isinstance(value, list):
                said[key] = change(value)
                said["meta"] = {"total": len(said[key]) if told else said["meta"]["total"]}
        return replace(genuine, body=encoding.dumps(said).encode() if said else b"")

    return make


def _object(**changes: object) -> Make:
    """The object that was asked for, in the state of another one."""

    def make(genuine: Said) -> Said:
        said = encoding.loads(genuine.body or b"{}")
        for value in said.values():
            if isinstance(value, dict):
                value.update({key: change for key, change in changes.items() if key in value})
        return replace(genuine, body=encoding.dumps(said).encode() if said else b"")

    return make


def _out_of_range(size: int) -> Make:
    def make(genuine: Said) -> Said:
        said = encoding.loads(genuine.body or b"{}")
        for value in said.values():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict) and "size_gigabytes" in each:
                    each["size_gigabytes"] = size
        return replace(genuine, body=encoding.dumps(said).encode() if said else b"")

    return make


def _huge(genuine: Said) -> Said:
    return replace(genuine, status=_with_body(genuine), body=genuine.body or b"{}", length=HUGE_BYTES)


def _limited(wait: str) -> Make:
    said = {"id": "too_many_requests", "message": ACCOUNT_TEXT}
    return lambda _: Said(429, encoding.dumps(said).encode(), headers={"retry-after": wait} if wait else {})


def _unavailable(wait: str) -> Make:
    return lambda _: Said(503, PAGE, HTML, {"retry-after": wait} if wait else {})


def _limits(**headers: str) -> Make:
    told = {f"ratelimit-{name}": text for name, text in headers.items()}
    return lambda genuine: replace(genuine, headers=told)


ANSWERS: tuple[tuple[str, Make], ...] = (
    ("a page with 404", _page(404)),
    ("a gateway's 404", _json(404, {"message": "no Route matched with those values"})),
    ("a page with 302", lambda _: Said(302, PAGE, HTML, {"location": "/login"})),
    ("a page with 200", _page(200)),
    ("a page with 403", _page(403)),
    ("a page with 409", _page(409)),
    ("a page with 401", _page(401)),
    ("a bare 204", lambda _: Said(204, b"", "")),
    ("another word", lambda genuine: Said(_with_body(genuine), b'{"result": "ok"}')),
    ("a list", lambda genuine: Said(_with_body(genuine), b"[]")),
    ("cut off", _cut),
    ("another object", _other),
    ("a size of 2^70", _out_of_range(1 << 70)),
    ("a size below nothing", _out_of_range(-5)),
    ("huge", _huge),
    ("a list that lacks what it counts", _of_list(lambda items: items[::2], told=False)),
    ("a list that lacks some", _of_list(lambda items: items[::2], told=True)),
    ("a list of another account", _of_list(lambda _: [], told=True)),
    ("another action of that number", _object(type="snapshot", status="completed")),
    ("another name", _object(name="other")),
    *((f"429, wait {wait}", _limited(wait)) for wait in ODD_WAITS),
    *((f"503, wait {wait}", _unavailable(wait)) for wait in ODD_WAITS[:5]),
    ("limits below nothing", _limits(remaining="-5")),
    ("limits beyond all", _limits(remaining="100000000000000000", limit="100000000000000000")),
    ("limits of a fraction", _limits(remaining="12.5", limit="nan")),
    ("limits used up till 2099", _limits(remaining="0", reset="4070908800")),
)
LIMITS_FROM = next(place for place, (name, _) in enumerate(ANSWERS) if name.startswith("429"))
"""Where those begin that are the API's own, but tell odd limits and waiting times."""
LISTS = ("a list that lacks what it counts", "a list that lacks some", "a list of another account")
PLACE_OF = {name: place for place, (name, _) in enumerate(ANSWERS)}
CLOCKS = (-86400.0, -600.0, 600.0, 86400.0, 1e9)
"""How far the Date header may be from the cloud's own clock, seconds."""


def date(seconds: float) -> str:
    """Return a moment as the Date header writes it."""
    return email.utils.formatdate(seconds, usegmt=True)
