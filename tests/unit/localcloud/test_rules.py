"""Faults that play any answer: of a proxy, of a broken API, of an API that shows less than it did."""

import base64
from pathlib import Path
from typing import get_args

import pytest

from localcloud.faults.rules import Kind
from tools.services import localcloud
from tools.services.localcloud import Api

A, B = 410000001, 410000002
BYTES = b"\x1f\x8b\x00\xff"


async def turn_on(api: Api, kind: str, **rule: object) -> None:
    reply = await api.ask("POST", "/_localcloud/faults", {"kind": kind, **rule})
    assert reply.status == 200, reply


async def started(api: Api, volume_id: str, kind: str, droplet_id: int) -> localcloud.Reply:
    return await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": kind, "droplet_id": droplet_id})


@pytest.mark.asyncio
async def test_an_answer_has_any_status_headers_and_bytes(tmp_path: Path) -> None:
    headers = {"location": "/login", "content-type": "text/html", "ratelimit-remaining": "x", "Date": "yesterday"}
    async with localcloud.here(tmp_path) as api:
        await turn_on(
            api, "answer", status=302, headers=headers, body="é", body_base64=base64.b64encode(BYTES).decode()
        )
        sent = {"Authorization": f"Bearer {api.token}"}
        async with api.session.get(f"{api.address}v2/volumes", headers=sent, allow_redirects=False) as reply:
            assert (reply.status, await reply.read()) == (302, "é".encode() + BYTES)
            assert {name: reply.headers[name] for name in headers} == headers


@pytest.mark.asyncio
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
async def test_an_answer_says_nothing_of_what_was_done(tmp_path: Path, *, done: bool) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await turn_on(api, "answer", where={"action": "attach"}, status=202, body='{"action": null}', done=done)
        assert (await started(api, volume_id, "attach", A)).body == {"action": None}
        actions = (await api.ask("GET", f"/v2/volumes/{volume_id}/actions")).parts("actions")
        assert [action["type"] for action in actions] == ["attach_volume"] * done


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("retry_after", "header"),
    [
        pytest.param(None, None, id="absent"),
        pytest.param(0, "0", id="at once"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", id="a date"),
    ],
)
async def test_a_rate_limit_says_when_to_come_back_in_any_form(
    tmp_path: Path, retry_after: object, header: str | None
) -> None:
    async with localcloud.here(tmp_path) as api:
        await turn_on(api, "rate_limited", retry_after=retry_after, message="slowly")
        reply = await api.ask("GET", "/v2/volumes")
        assert (reply.status, reply.body["message"], reply.headers.get("retry-after")) == (429, "slowly", header)


@pytest.mark.asyncio
async def test_an_action_that_is_unseen_is_done_and_shown_as_in_progress(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=0") as api:
        volume_id = await api.create("data")
        await turn_on(api, "action_unseen", times=1)
        action_id = (await started(api, volume_id, "attach", A)).part("action")["id"]
        while (await api.volume(volume_id))["droplet_ids"] != [A]:
            pass
        action = (await api.ask("GET", f"/v2/actions/{action_id}")).part("action")
        assert (action["status"], action["completed_at"]) == ("in-progress", None)
        assert (await api.act(volume_id, "detach", droplet_id=A))["status"] == "completed"


@pytest.mark.asyncio
async def test_an_action_that_is_forgotten_is_done_and_shown_nowhere(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=0") as api:
        volume_id = await api.create("data")
        await turn_on(api, "action_forgotten")
        action_id = (await started(api, volume_id, "attach", A)).part("action")["id"]
        while (await api.volume(volume_id))["droplet_ids"] != [A]:
            pass
        assert (await api.ask("GET", f"/v2/actions/{action_id}")).status == 404
        assert (await api.ask("GET", f"/v2/volumes/{volume_id}/actions")).parts("actions") == []
        assert (await api.ask("GET", "/v2/actions")).parts("actions") == []


@pytest.mark.asyncio
async def test_a_volume_can_name_a_droplet_that_is_gone(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await api.act(volume_id, "attach", droplet_id=A)
        await turn_on(api, "attachments_stay")
        assert (await api.ask("DELETE", f"/v2/droplets/{A}")).status == 204
    async with localcloud.here(tmp_path) as api:
        assert (await api.volume(volume_id))["droplet_ids"] == [A]
        assert (await started(api, volume_id, "detach", A)).status == 404
        assert (await started(api, volume_id, "attach", B)).status == 422


@pytest.mark.asyncio
async def test_the_refusal_of_an_unknown_fault_lists_them_all(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        said = str((await api.ask("POST", "/_localcloud/faults", {"kind": "nothing"})).body["message"])
        assert [kind for kind in get_args(Kind) if f"'{kind}'" not in said] == []
