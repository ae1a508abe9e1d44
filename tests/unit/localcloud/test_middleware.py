"""What surrounds every request: token, rate limit, headers, ledger, metadata, state on disk."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools.services import localcloud

A = 410000001


@pytest.mark.asyncio
@pytest.mark.parametrize("token", ["", "wrong", "ü"])
async def test_a_wrong_token_is_refused(tmp_path: Path, token: str) -> None:
    async with localcloud.here(tmp_path) as api:
        reply = await api.ask("GET", "/v2/volumes", token=token)
        assert (reply.status, reply.body["id"]) == (401, "Unauthorized")


@pytest.mark.asyncio
async def test_the_token_is_kept_with_the_state(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        first = api.token
    async with localcloud.here(tmp_path) as api:
        assert api.token == first
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.asyncio
async def test_every_reply_says_what_is_left_of_the_hour(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--rate-hour=3") as api:
        left = [(await api.ask("GET", "/v2/account")).headers["ratelimit-remaining"] for _ in range(4)]
        assert left == ["2", "1", "0", "0"]
        reply = await api.ask("GET", "/v2/account")
        assert (reply.status, reply.body["id"], reply.headers["ratelimit-limit"]) == (429, "too_many_requests", "3")
        assert "retry-after" not in reply.headers


@pytest.mark.asyncio
async def test_the_minute_limit_says_when_to_come_back(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--rate-hour=100", "--rate-minute=1") as api:
        await api.ask("GET", "/v2/account")
        reply = await api.ask("GET", "/v2/account")
        assert reply.status == 429
        assert 0 < int(reply.headers["retry-after"]) <= 60
        assert reply.headers["ratelimit-remaining"] == "99"


@pytest.mark.asyncio
async def test_a_droplet_asks_its_own_metadata_without_a_token(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--region=fra1") as api:
        base = f"{api.address}_localcloud/droplets/{A}/metadata/v1"
        async with api.session.get(f"{base}/id") as reply:
            assert await reply.text() == str(A)
        async with api.session.get(f"{base}/region") as reply:
            assert await reply.text() == "fra1"
        async with api.session.get(f"{base}/nothing") as reply:
            assert reply.status == 404


@pytest.mark.asyncio
async def test_the_ledger_tells_effects_in_order_and_who_asked(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await api.act(volume_id, "attach", droplet_id=A)
        effects = (await api.ask("GET", f"/_localcloud/ledger/effects?subject={volume_id}")).parts("effects")
        assert [effect["kind"] for effect in effects] == ["volume_created", "action_started", "attached"]
        sent = (await api.ask("GET", "/_localcloud/ledger/requests?method=POST")).parts("requests")
        assert [(each["path"], each["status"]) for each in sent] == [
            ("/v2/volumes", 201),
            (f"/v2/volumes/{volume_id}/actions", 202),
        ]
        assert [each["request_id"] for each in sent] == [effects[0]["request_id"], effects[2]["request_id"]]


@pytest.mark.asyncio
async def test_a_page_of_another_site_turns_nothing_on(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        headers = {"Origin": "http://elsewhere.invalid"}
        url = f"{api.address}_localcloud/faults"
        async with api.session.post(url, json={"kind": "error"}, headers=headers) as reply:
            assert reply.status == 403
        headers = {"Origin": api.address.rstrip("/")}
        async with api.session.post(url, json={"kind": "error"}, headers=headers) as reply:
            assert reply.status == 200


@pytest.mark.asyncio
async def test_a_restart_loses_nothing_and_takes_up_what_was_under_way(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=0.2") as api:
        volume_id = await api.create("data", tags=["t"])
        reply = await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
    async with localcloud.here(tmp_path) as api:
        await api.ended(reply.part("action")["id"])
        volume = await api.volume(volume_id)
        assert (volume["droplet_ids"], volume["tags"]) == ([A], ["t"])


@pytest.mark.asyncio
async def test_a_second_cloud_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path):
        with pytest.raises(BlockingIOError):
            await localcloud.here(tmp_path).__aenter__()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/v2/nothing", 404, id="no such path"),
        pytest.param("PATCH", "/v2/volumes", 405, id="wrong method"),
    ],
)
async def test_errors_of_the_web_server_are_json_too(tmp_path: Path, method: str, path: str, status: int) -> None:
    async with localcloud.here(tmp_path) as api:
        reply = await api.ask(method, path)
        assert (reply.status, set(reply.body)) == (status, {"id", "message", "request_id"})


@pytest.mark.asyncio
async def test_a_body_that_is_no_json_is_a_bad_request(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        headers = {"Authorization": f"Bearer {api.token}"}
        async with api.session.post(f"{api.address}v2/volumes", data=b"{", headers=headers) as reply:
            assert reply.status == 400


@pytest.mark.asyncio
async def test_a_client_that_goes_away_while_it_sends_is_a_dropped_request_and_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with localcloud.here(tmp_path) as api:
        split = urlsplit(api.address)
        _, writer = await asyncio.open_connection(split.hostname, split.port)
        head = ["POST /v2/volumes HTTP/1.1", "Host: x", f"Authorization: Bearer {api.token}", "Content-Length: 100"]
        writer.write(("\r\n".join(head) + "\r\n\r\n{").encode())
        await writer.drain()
        await api.ask("GET", "/v2/account")  # a later request is answered: the first is being read
        writer.transport.abort()
        requests: list[dict[str, object]] = []
        while not requests:
            requests = (await api.ask("GET", "/_localcloud/ledger/requests?method=POST")).parts("requests")
    assert [each["status"] for each in requests] == [0]
    assert caplog.messages == []
