"""What surrounds every request: its id, the ledger, errors as JSON, the token, the rate limit."""

import hmac
import logging
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from localcloud import api_errors
from localcloud import cloud as context
from localcloud.api import hosts, writing
from localcloud.api_errors import Problem
from localcloud.cloud import Cloud
from localcloud.faults.requests import DROPPED, Dropped, RequestFaults
from localcloud.page.timeline import Timeline
from localcloud.rates import Rates
from localcloud.state.ledger import Request

log = logging.getLogger(__name__)

API_PREFIX = "/v2/"


class Surround:
    """The middleware of one cloud."""

    def __init__(self, cloud: Cloud, rates: Rates, timeline: Timeline, token: str) -> None:
        self._cloud = cloud
        self._timeline = timeline
        self._rates = rates
        self._faults = RequestFaults(cloud)
        self._authorization = f"Bearer {token}".encode()
        self._allowed_hosts = {cloud.settings.listen.host, *cloud.settings.allowed_hosts}

    @web.middleware
    async def observe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Give the request an id, write it to the ledger, and put the headers on the reply."""
        if not request.path.startswith(API_PREFIX):
            return await self._answer(request, handler)
        request_id = str(uuid.uuid4())
        context.request_id.set(request_id)
        context.why.set("")
        started = time.monotonic()
        try:
            response = await self._answer(request, handler)
        except (Dropped, ConnectionResetError):  # the second: the client went away before it had sent everything
            self._note(request, request_id, DROPPED, time.monotonic() - started)
            return _cut(request)
        self._put_headers(response, request_id)
        self._note(request, request_id, response.status, time.monotonic() - started)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = context.request_id.get()
        try:
            if not request.path.startswith(API_PREFIX):
                hosts.check(request, self._allowed_hosts)
                return await handler(request)
            self._admit(request)
            return await self._faults.serve(request, handler)
        except Problem as error:
            context.why.set(context.why.get() or error.message)
            return writing.problem(error, request_id)
        except (Dropped, ConnectionResetError):
            raise
        except web.HTTPException as error:
            return _translated(error, request_id)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return writing.problem(Problem(500, "server_error", "Unexpected server-side error"), request_id)

    def _admit(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, self._authorization):
            raise api_errors.unauthorized()
        self._rates.admit()

    def _put_headers(self, response: web.StreamResponse, request_id: str) -> None:
        budget = self._rates.budget()
        response.headers.setdefault("ratelimit-limit", str(budget.limit))  # an answer that is a fault may have its own
        response.headers.setdefault("ratelimit-remaining", str(budget.remaining))
        response.headers.setdefault("ratelimit-reset", str(budget.reset))
        response.headers.setdefault("x-request-id", request_id)

    def _note(self, request: web.Request, request_id: str, status: int, seconds: float) -> None:
        now = self._cloud.clock.now()
        noted = Request(now, request_id, request.method, request.path, request.query_string, status, seconds)
        self._cloud.ledger.request(noted)
        self._timeline.request(noted, context.why.get())


def _cut(request: web.Request) -> web.Response:
    """Cut the connection; the response that is returned reaches no one."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _translated(error: web.HTTPException, request_id: str) -> web.Response:
    """Turn aiohttp's own errors (no such path, wrong method, body too large) into the API's."""
    if error.status == 404:
        return writing.problem(api_errors.not_found(), request_id)
    kind = error.reason.lower().replace(" ", "_")
    response = writing.problem(Problem(error.status, kind, error.reason), request_id)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
