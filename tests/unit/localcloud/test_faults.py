"""Faults, turned on over HTTP: each does what it says, when it says, and no more."""

from pathlib import Path

import aiohttp
import pytest

from tools.services import localcloud
from tools.services.localcloud import Api

A = 410000001


async def turn_on(api: Api, kind: str, **rule: object) -> dict[str, object]:
    reply = await api.ask("POST", "/_localcloud/faults", {"kind": kind, **rule})
    assert reply.status == 200, reply
    return reply.body


async def statuses(api: Api, times: int) -> list[int]:
    return [(await api.ask("GET", "/v2/volumes")).status for _ in range(times)]


@pytest.mark.asyncio
async def test_the_nth_request_fails_and_the_others_do_not(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        await turn_on(api, "error", where={"method": "GET", "path": "/v2/volumes"}, nth=[2, 4], status=502)
        assert (await api.ask("GET", "/v2/account")).status == 200
        assert await statuses(api, 5) == [200, 502, 200, 502, 200]


@pytest.mark.asyncio
async def test_chance_has_a_seed(tmp_path: Path) -> None:
    seen = []
    for folder in ("one", "two"):
        async with localcloud.here(tmp_path / folder, "--seed=7") as api:
            await turn_on(api, "error", probability=0.5)
            seen.append(await statuses(api, 20))
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 503}


@pytest.mark.asyncio
async def test_a_fault_is_over_after_so_many_strikes_and_counts_them(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        await turn_on(api, "rate_limited", times=2, retry_after=3)
        reply = await api.ask("GET", "/v2/volumes")
        assert (reply.status, reply.headers["retry-after"]) == (429, "3")
        assert await statuses(api, 2) == [429, 200]
        (fault,) = (await api.ask("GET", "/_localcloud/faults")).parts("faults")
        assert (fault["matches"], fault["strikes"]) == (3, 2)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "made"),
    [
        pytest.param("drop_before", 0, id="dropped before the effect"),
        pytest.param("drop_after", 1, id="dropped after the effect"),
        pytest.param("lost_reply", 1, id="reply lost"),
    ],
)
async def test_a_client_without_an_answer_cannot_know_whether_it_was_done(tmp_path: Path, kind: str, made: int) -> None:
    async with localcloud.here(tmp_path) as api:
        await turn_on(api, kind, where={"method": "POST"}, seconds="0.1")
        with pytest.raises(aiohttp.ClientError):
            await api.create("data")
        assert (await api.ask("GET", "/v2/volumes")).part("meta") == {"total": made}
        sent = (await api.ask("GET", "/_localcloud/ledger/requests?method=POST")).parts("requests")
        assert [each["status"] for each in sent] == [0]


@pytest.mark.asyncio
async def test_a_stale_list_shows_what_was(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        fault = await turn_on(api, "stale", where={"method": "GET", "path": "/v2/volumes"}, seconds="3600")
        await statuses(api, 1)
        volume_id = await api.create("data")
        assert (await api.ask("GET", "/v2/volumes")).part("meta") == {"total": 0}
        assert (await api.volume(volume_id))["id"] == volume_id
        assert (await api.ask("DELETE", f"/_localcloud/faults/{fault['id']}")).status == 204
        assert (await api.ask("GET", "/v2/volumes")).part("meta") == {"total": 1}


@pytest.mark.asyncio
async def test_an_action_errs_and_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await turn_on(api, "action_error", where={"action": "attach"}, nth=[1])
        assert (await api.act(volume_id, "attach", droplet_id=A))["status"] == "errored"
        assert (await api.volume(volume_id))["droplet_ids"] == []
        assert (await api.act(volume_id, "attach", droplet_id=A))["status"] == "completed"


@pytest.mark.asyncio
async def test_an_action_that_never_ends_holds_its_droplet_through_a_restart(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await turn_on(api, "action_stuck")
        reply = await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
    async with localcloud.here(tmp_path) as api:
        action = (await api.ask("GET", f"/v2/actions/{reply.part('action')['id']}")).part("action")
        assert action["status"] == "in-progress"
        assert (await api.ask("GET", f"/v2/droplets/{A}")).part("droplet")["locked"] is True


@pytest.mark.asyncio
async def test_a_droplet_vanishes_in_the_middle_of_an_attach(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await turn_on(api, "droplet_vanishes", where={"action": "attach"})
        assert (await api.act(volume_id, "attach", droplet_id=A))["status"] == "errored"
        assert (await api.ask("GET", f"/v2/droplets/{A}")).status == 404


@pytest.mark.asyncio
async def test_a_fault_can_be_asked_of_the_requests_that_start_an_attach(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await turn_on(api, "error", where={"action": "attach"})
        path = f"/v2/volumes/{volume_id}/actions"
        assert (await api.ask("POST", path, {"type": "attach", "droplet_id": A})).status == 503
        assert (await api.ask("POST", path, {"type": "resize", "size_gigabytes": 2})).status == 202


@pytest.mark.asyncio
async def test_durations_are_compressed_by_the_time_scale(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=3600", "--time-scale=100000") as api:
        assert (await api.act(await api.create("data"), "attach", droplet_id=A))["status"] == "completed"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"kind": "nothing"}, id="no such kind"),
        pytest.param({"kind": "error", "probability": 2}, id="probability over 1"),
        pytest.param({"kind": "error", "where": {"metod": "GET"}}, id="misspelt key"),
        pytest.param({"kind": "latency", "seconds": "soon"}, id="no duration"),
        pytest.param({"kind": "error", "status": 200}, id="an error that is none"),
        pytest.param({"kind": "answer", "headers": {"x": "a\r\nb: c"}}, id="a header that would be two"),
    ],
)
async def test_a_wrong_rule_is_refused(tmp_path: Path, rule: dict[str, object]) -> None:
    async with localcloud.here(tmp_path) as api:
        assert (await api.ask("POST", "/_localcloud/faults", rule)).status == 422
        assert (await api.ask("GET", "/_localcloud/faults")).parts("faults") == []


@pytest.mark.asyncio
async def test_faults_can_be_on_from_the_start(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('[{"kind": "error", "where": {"path": "/v2/volumes"}, "nth": [1]}]')
    async with localcloud.here(tmp_path / "state", f"--faults={rules}") as api:
        assert await statuses(api, 2) == [503, 200]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('[{"kind": "nothing"}]', "0.kind: Input should be 'latency'", id="no such kind"),
        pytest.param("{", "the file: Invalid JSON", id="no JSON"),
    ],
)
async def test_a_wrong_file_of_faults_is_one_line_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text(text)
    with pytest.raises(ValueError, match="faults") as raised:
        await localcloud.here(tmp_path / "state", f"--faults={rules}").__aenter__()
    message = str(raised.value)
    assert (message.startswith(f"--faults {rules}: {said}"), "\n" in message) == (True, False)
