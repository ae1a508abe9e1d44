"""Replies as aiohttp's session gives them, as far as the driver uses them, and a session that plays a script."""

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

import aiohttp
from multidict import CIMultiDict

from controller.digitalocean.client import DigitalOcean
from controller.digitalocean.http import Http
from controller.digitalocean.token import Token
from controller.digitalocean.token_state import TokenState
from controller.pacing.budget import Budget

JSON = "application/json"
TOKEN = "dop_v1_scripted"  # noqa: S105 (no real token)
LIMITS = {"ratelimit-limit": "5000", "ratelimit-remaining": "4000", "ratelimit-reset": "1767229200"}


class Content:
    """A body that is read part by part, made as it is read. ``read_bytes`` counts what was taken of it."""

    def __init__(self, body: bytes, repeated: int = 0) -> None:
        self._left = body
        self._repeated = repeated
        self.read_bytes = 0

    async def read(self, length: int) -> bytes:
        """Return the next part; nothing at the end."""
        if not self._left and self._repeated > 0:
            self._repeated -= length
            self._left = b" " * length
        part, self._left = self._left[:length], self._left[length:]
        self.read_bytes += len(part)
        return part


class Reply:
    """One reply; ``repeated`` blanks follow the body."""

    def __init__(
        self, status: int, body: bytes, kind: str = "", repeated: int = 0, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.headers = CIMultiDict({**({"Content-Type": kind} if kind else {}), **(headers or {})})
        self.content = Content(body, repeated)
        self._body = (body, repeated)

    def again(self) -> "Reply":
        """Return the same reply, of which nothing was read yet."""
        self.content = Content(*self._body)
        return self


def said(status: int, body: object) -> Reply:
    """Return a reply as the API makes it."""
    raw = b"" if status == 204 else json.dumps(body).encode()
    return Reply(status, raw, JSON if raw else "", headers=LIMITS)


class Script:
    """A session that answers in turn, the last one for ever, and keeps what was asked."""

    def __init__(self, *answers: Reply | aiohttp.ClientError) -> None:
        self._answers = deque(answers)
        self.asked: list[str] = []

    def request(self, method: str, url: str, **options: object) -> AbstractAsyncContextManager[Reply]:
        """Begin a request."""
        return self._request(method, url, **options)

    @asynccontextmanager
    async def _request(self, method: str, url: str, **options: object) -> AsyncIterator[Reply]:
        assert options["allow_redirects"] is False
        self.asked.append(f"{method} {url.removeprefix('http://cloud')}")
        answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, aiohttp.ClientError):
            raise answer
        yield answer.again()


class Untold:
    """Requests that nobody counts."""

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """Take note of nothing."""


def scripted(script: Script, clock: float = 0.0, *, proven: bool = True) -> tuple[DigitalOcean, Http, TokenState]:
    """Return the driver's view of a cloud that answers by the script. ``proven``: its token was let in."""
    access = TokenState(lambda: clock)
    if proven:
        access.prove(TOKEN, "team-1")
    http = Http("http://cloud/", Token(TOKEN), Budget(10_000), access, Untold())
    http.open(cast("aiohttp.ClientSession", script))
    return DigitalOcean(http), http, access
