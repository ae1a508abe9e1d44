"""Faults on requests: what a client meets before, during or after its request is served."""

import json

from aiohttp import web
from aiohttp.typedefs import Handler

from localcloud import api_errors
from localcloud import cloud as context
from localcloud.api_errors import Problem
from localcloud.cloud import Cloud
from localcloud.faults.rules import Kind, Rule

DROPPED = 0  # the status that the ledger shows


class Dropped(Exception):
    """The connection is cut: there is no answer."""


class RequestFaults:
    """The faults that strike requests."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve a request with what strikes it. Raises Problem, and Dropped when the client gets no answer."""
        await self._pause(self._cloud.settings.request_latency.draw(self._cloud.dice))
        if not len(self._cloud.faults):
            return await handler(request)
        action = await _action(request) if self._cloud.faults.need_actions() else None
        struck = self._cloud.faults.of_request(request.method, request.path, action)
        context.why.set(", ".join(f"fault #{fault.id}: {fault.rule.kind}" for fault in struck))
        rules = {fault.rule.kind: fault.rule for fault in struck}
        await self._before(rules)
        answer = rules.get("answer")
        if answer is not None and not answer.done:
            return _answer(answer)
        stale = rules.get("stale")
        if stale is not None and request.method == "GET":
            with self._cloud.database.past(self._real(stale)):
                response = await handler(request)
        else:
            response = await handler(request)
        await self._after(rules)
        return response if answer is None else _answer(answer)

    async def _before(self, rules: dict[Kind, Rule]) -> None:
        if "latency" in rules:
            await self._pause(rules["latency"].latency.draw(self._cloud.dice))
        if "drop_before" in rules:
            raise Dropped
        if "rate_limited" in rules:
            raise _rate_limited(rules["rate_limited"])
        if "error" in rules:
            rule = rules["error"]
            message = rule.message or "Server was unable to give you a response."
            raise Problem(rule.status, "server_error" if rule.status >= 500 else "fault", message)

    async def _after(self, rules: dict[Kind, Rule]) -> None:
        if "drop_after" in rules:
            raise Dropped
        if "lost_reply" in rules:
            await self._pause(rules["lost_reply"].latency.draw(self._cloud.dice))
            raise Dropped

    async def _pause(self, cloud_seconds: float) -> None:
        if cloud_seconds:
            clock = self._cloud.clock
            await clock.sleep_until(clock.now() + clock.real_seconds(cloud_seconds))

    def _real(self, rule: Rule) -> float:
        return self._cloud.clock.real_seconds(rule.latency.draw(self._cloud.dice))


def _rate_limited(rule: Rule) -> Problem:
    problem = api_errors.too_many_requests(None)
    retry_after = None if rule.retry_after is None else str(rule.retry_after)
    return Problem(problem.status, problem.kind, rule.message or problem.message, retry_after)


def _answer(rule: Rule) -> web.Response:
    response = web.Response(status=rule.status, body=rule.body.encode() + rule.body_base64, headers=rule.headers)
    if "content-type" not in {name.lower() for name in rule.headers}:
        response.content_type = "application/json"
    return response


async def _action(request: web.Request) -> str | None:
    """Return which action the request starts."""
    if request.method != "POST" or not request.path.endswith("/actions"):
        return None
    try:
        body = json.loads(await request.read())
    except ValueError:
        return None
    kind = body.get("type") if isinstance(body, dict) else None
    return kind if isinstance(kind, str) else None
