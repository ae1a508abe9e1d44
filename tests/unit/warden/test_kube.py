"""The API server over HTTP: what is sent, and what an answer means."""

import json
from collections.abc import Callable

import httpx2
import pytest

from common import errors
from warden import kube
from warden.api import EVENTS, NO_ANSWER, NODES, OPENED, PODS, KubeError, Scope, everything
from warden.rules.objects import Json, text

pytestmark = pytest.mark.asyncio

Answer = Callable[[httpx2.Request], httpx2.Response]


def asking(answer: Answer) -> kube.Kube:
    client = httpx2.AsyncClient(base_url="https://api.example", transport=httpx2.MockTransport(answer))
    return kube.Kube(client)


def said(status: int, body: Json) -> Answer:
    return lambda _request: httpx2.Response(status, json=dict(body))


async def test_a_list_is_read_page_by_page() -> None:
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(dict(request.url.params))
        more = {} if "continue" in request.url.params else {"continue": "next"}
        item = {"metadata": {"name": f"n{len(asked)}"}}
        return httpx2.Response(200, json={"metadata": {"resourceVersion": "7", **more}, "items": [item]})

    pods = everything(asking(answer), PODS, Scope(fields={"spec.nodeName": "n"}, labels={"a": "b"}))
    assert [text(one, "metadata", "name") async for one in pods] == ["n1", "n2"]
    first = {"limit": str(kube.PAGE), "fieldSelector": "spec.nodeName=n", "labelSelector": "a=b"}
    assert asked == [first, {**first, "continue": "next"}]


async def test_a_watch_tells_what_changes_and_its_error() -> None:
    lines = [
        {"type": "ADDED", "object": {"metadata": {"name": "n1"}}},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}},
        {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}},
    ]
    body = "".join(f"{json.dumps(line)}\n" for line in lines)
    changes = asking(lambda _request: httpx2.Response(200, text=body)).watch(NODES, "7")
    assert [(await anext(changes)).what for _ in range(3)] == [OPENED.what, "ADDED", "BOOKMARK"]
    with pytest.raises(KubeError, match="too old") as raised:
        await anext(changes)
    assert raised.value.code == 410


async def test_a_watch_that_is_refused_says_why() -> None:
    with pytest.raises(KubeError, match="may not") as raised:
        await anext(asking(said(403, {"message": "may not"})).watch(NODES, "7"))
    assert raised.value.code == 403


@pytest.mark.parametrize("error", [httpx2.ConnectError("refused"), httpx2.ReadTimeout(""), OSError("no route")])
async def test_no_answer_is_told_as_such(error: Exception) -> None:
    def fail(_request: httpx2.Request) -> httpx2.Response:
        raise error

    for asked in (asking(fail).get(NODES, "n1"), anext(asking(fail).watch(NODES, "7"))):
        with pytest.raises(KubeError, match="no answer") as raised:
            await asked
        assert raised.value.code == NO_ANSWER


async def test_changes_are_sent_to_the_object() -> None:
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, request.url.path, request.headers["content-type"], json.loads(request.content)))
        return httpx2.Response(200, json={"kind": "Event"})

    api, event = asking(answer), {"metadata": {"namespace": "a", "name": "e"}}
    await api.create(EVENTS, event)
    await api.replace(EVENTS, event)
    await api.merge(EVENTS, "e", {"count": 2}, "a")
    await api.patch(NODES, "n1", [{"op": "remove", "path": "/x"}])
    await api.apply_status(EVENTS, event, "me")
    assert asked == [
        ("POST", "/api/v1/namespaces/a/events", "application/json", event),
        ("PUT", "/api/v1/namespaces/a/events/e", "application/json", event),
        ("PATCH", "/api/v1/namespaces/a/events/e", "application/merge-patch+json", {"count": 2}),
        ("PATCH", "/api/v1/nodes/n1", "application/json-patch+json", [{"op": "remove", "path": "/x"}]),
        ("PATCH", "/api/v1/namespaces/a/events/e/status", "application/apply-patch+yaml", event),
    ]


async def test_an_answer_that_is_no_object_is_an_error_by_its_status() -> None:
    with pytest.raises(KubeError, match="Bad Gateway") as raised:
        await asking(lambda _request: httpx2.Response(502, text="<html>")).get(NODES, "n1")
    assert raised.value.code == 502


async def test_without_a_cluster_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(errors.FailedPrecondition, match="no API server to ask"):
        kube.connect()


async def test_a_page_of_something_between_is_neither_an_empty_list_nor_a_free_lease_nor_a_node() -> None:
    def page(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, text="<html>Sign in</html>")

    listed = asking(page).pages(NODES)
    watched = asking(page).watch(NODES, "7")
    assert await anext(watched) == OPENED
    for asked in (anext(listed), asking(page).get(NODES, "n1"), anext(watched)):
        with pytest.raises(KubeError, match="no object: <html>Sign in") as raised:
            await asked
        assert raised.value.code == NO_ANSWER
