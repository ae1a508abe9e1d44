"""Sends one request to the API, once: session, proxy, time limit, and how much of an answer is read.

What came of it is an ``Answer``, also if none came; what follows from that, ``http`` decides.
"""

import asyncio

import aiohttp
import structlog

from common import codes, errors
from controller.digitalocean import connection
from controller.digitalocean.api_answer import ERROR_BYTES, Answer, one_line
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.request_metrics import RequestMetrics, route

TELLING_SECONDS = 2.0  # no answer in less, because the caller had no more time, tells nothing of the cloud
ANSWER_SECONDS = 30.0  # a change that was sent is waited for this long, though its caller may be gone
CHUNK_BYTES = 64 * 1024
BYTES_OF_A_VALUE = 8  # at least, on average: JSON of ones and commas takes many times its length in memory

log = structlog.get_logger("cloud")


class Transport:
    """Sends requests to the API at ``root`` (as in ``https://api.digitalocean.com/``), and counts them."""

    def __init__(self, root: str, requests: RequestMetrics) -> None:
        self._root = root.rstrip("/")
        self._proxy = connection.proxy_for(root)
        self._requests = requests
        self._session: aiohttp.ClientSession | None = None

    def open(self, session: aiohttp.ClientSession) -> None:
        """Use ``session`` from now on; it is closed by whoever made it."""
        self._session = session

    async def send(self, call: ApiRequest, token: str, deadline: float) -> Answer:
        """Send once. A request that got no answer comes back as status 0."""
        now = asyncio.get_running_loop().time()
        limit = min(deadline, now + ANSWER_SECONDS) if call.method == "GET" else now + ANSWER_SECONDS
        if self._session is None:
            raise errors.Unavailable(
                "the driver is shutting down",
                error_code=codes.Code.SHUTTING_DOWN,
            )
        try:
            async with asyncio.timeout_at(limit):
                answer = await self._answered(self._session, call, token)
        except aiohttp.ClientConnectorError as error:
            answer = Answer(call, 0, flaw=f"no connection: {connection.no_connection(error)}", sent=False)
        except aiohttp.ClientHttpProxyError as error:
            answer = Answer(call, 0, flaw=f"no connection: the proxy answered {error.status}", sent=False)
        except aiohttp.ConnectionTimeoutError:
            where = connection.place_of(self._proxy or self._root)
            answer = Answer(call, 0, flaw=f"no connection: {where} does not answer", sent=False)
        except TimeoutError:
            seconds = asyncio.get_running_loop().time() - now
            flaw = f"no answer in {seconds:.0f} s"
            answer = Answer(call, 0, flaw=flaw, cut_short=seconds < TELLING_SECONDS)
        except aiohttp.ClientError as error:
            answer = Answer(call, 0, flaw=f"no whole answer ({type(error).__name__})")
        self._note(call, answer, asyncio.get_running_loop().time() - now)
        return answer

    async def _answered(self, session: aiohttp.ClientSession, call: ApiRequest, token: str) -> Answer:
        async with session.request(
            call.method,
            self._root + call.path,
            params=call.query,
            json=call.json,
            headers={"Authorization": f"Bearer {token}"},
            proxy=self._proxy,
            allow_redirects=False,
        ) as reply:
            longest = call.longest if reply.status == call.success else ERROR_BYTES
            body, flaw = await _body(reply, longest)
            return Answer(call, reply.status, body, reply.headers, flaw)

    def _note(self, call: ApiRequest, answer: Answer, seconds: float) -> None:
        self._requests.count(call.method, call.path, answer.status, seconds)
        log.debug(
            "request",
            method=call.method,
            route=route(call.path),
            status=answer.status,
            seconds=round(seconds, 3),
            cloud_request_id=one_line(answer.headers.get("x-request-id", ""), 64),
        )


async def _body(reply: aiohttp.ClientResponse, longest: int) -> tuple[bytes, str]:
    """Return the body, or why it cannot be used. No more than ``longest`` bytes of it are ever held."""
    encoding = one_line(reply.headers.get("Content-Encoding", ""), 40).lower()
    if encoding not in {"", "identity"}:
        return b"", f"it is compressed ({encoding}), which was not asked for"
    body = bytearray()
    while part := await reply.content.read(CHUNK_BYTES):
        body += part
        if len(body) > longest:
            return b"", f"it is longer than {longest} bytes"
    if body.count(b",") > longest // BYTES_OF_A_VALUE:
        return b"", "it has too many values"
    return bytes(body), ""
