"""Attach, detach and resize over HTTP."""

from pathlib import Path

import pytest

from tools.services import localcloud
from tools.services.localcloud import Api

A, B = 410000001, 410000002


async def refusal(api: Api, volume_id: str, kind: str, **more: object) -> tuple[int, object]:
    reply = await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": kind, **more})
    return reply.status, reply.body["message"]


@pytest.mark.asyncio
async def test_an_attached_volume_names_its_droplet_and_the_droplet_names_it(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        action = await api.act(volume_id, "attach", droplet_id=A, tags=["k8s"])
        assert (action["type"], action["status"], action["resource_id"]) == ("attach_volume", "completed", None)
        volume = await api.volume(volume_id)
        assert (volume["droplet_ids"], volume["tags"]) == ([A], ["k8s"])
        assert (await api.ask("GET", f"/v2/droplets/{A}")).part("droplet")["volume_ids"] == [volume_id]
        await api.act(volume_id, "detach", droplet_id=A)
        assert (await api.volume(volume_id))["droplet_ids"] == []


@pytest.mark.asyncio
async def test_an_action_is_under_way_until_its_time_is_over(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=60") as api:
        volume_id = await api.create("data")
        reply = await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
        action = reply.part("action")
        assert (action["status"], action["completed_at"]) == ("in-progress", None)
        assert (await api.volume(volume_id))["droplet_ids"] == []
        assert (await api.ask("GET", f"/v2/droplets/{A}")).part("droplet")["locked"] is True


@pytest.mark.asyncio
async def test_a_volume_and_a_droplet_have_one_event_at_a_time(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=60") as api:
        one, two = await api.create("one"), await api.create("two")
        assert (await api.ask("POST", f"/v2/volumes/{one}/actions", {"type": "attach", "droplet_id": A})).status == 202
        assert await refusal(api, two, "attach", droplet_id=A) == (422, "Droplet already has a pending event.")
        assert await refusal(api, one, "attach", droplet_id=B) == (422, "Volume already has a pending event.")
        assert await refusal(api, one, "resize", size_gigabytes=2) == (422, "Volume already has a pending event.")
        assert (await api.ask("DELETE", f"/v2/volumes/{one}")).status == 409


@pytest.mark.asyncio
async def test_an_attached_volume_is_refused_in_the_words_that_clients_read(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--droplet-volumes=1") as api:
        one, two = await api.create("one"), await api.create("two")
        assert await refusal(api, one, "detach", droplet_id=A) == (422, "Attachment not found")
        await api.act(one, "attach", droplet_id=A)
        assert await refusal(api, one, "attach", droplet_id=A) == (422, "This volume is already attached")
        assert await refusal(api, one, "attach", droplet_id=B) == (422, "This volume is already attached")
        assert await refusal(api, one, "detach", droplet_id=B) == (422, "Attachment not found")
        assert await refusal(api, two, "attach", droplet_id=A) == (422, "cannot attach more volumes to the Droplet")
        assert (await api.ask("DELETE", f"/v2/volumes/{one}")).status == 409


@pytest.mark.asyncio
async def test_the_older_limit_is_told_in_its_older_words(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--droplet-volumes=7") as api:
        for number in range(7):
            await api.act(await api.create(f"v{number}"), "attach", droplet_id=A)
        one_more = await api.create("one-more")
        expected = "cannot attach more than 7 volumes to a single Droplet"
        assert await refusal(api, one_more, "attach", droplet_id=A) == (422, expected)


@pytest.mark.asyncio
async def test_what_is_not_there_is_404_whichever_it_is(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        for kind in ("attach", "detach"):
            assert (await refusal(api, volume_id, kind, droplet_id=7))[0] == 404
            assert (await refusal(api, "no-such-volume", kind, droplet_id=A))[0] == 404
        assert (await refusal(api, "no-such-volume", "resize", size_gigabytes=2))[0] == 404
        for path in ("/v2/actions/1", "/v2/actions/x", f"/v2/volumes/{volume_id}/actions/1", "/v2/droplets/x"):
            assert (await api.ask("GET", path)).status == 404


@pytest.mark.asyncio
async def test_a_volume_grows_and_never_shrinks(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data", 2)
        await api.act(volume_id, "resize", size_gigabytes=3)
        assert (await api.volume(volume_id))["size_gigabytes"] == 3
        for size in (3, 2, 0, 16385):
            assert (await refusal(api, volume_id, "resize", size_gigabytes=size))[0] == 422


@pytest.mark.asyncio
async def test_actions_are_started_by_name_and_listed_newest_first(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        by_name = {"volume_name": "data", "region": "nyc1", "droplet_id": A}
        first = await api.ask("POST", "/v2/volumes/actions", {"type": "attach", **by_name})
        await api.ended(first.part("action")["id"])
        second = await api.ask("POST", "/v2/volumes/actions", {"type": "detach", **by_name})
        await api.ended(second.part("action")["id"])
        expected = ["detach_volume", "attach_volume"]
        for path in ("/v2/actions", f"/v2/volumes/{volume_id}/actions"):
            assert [action["type"] for action in (await api.ask("GET", path)).parts("actions")] == expected


@pytest.mark.asyncio
async def test_a_volume_of_another_region_cannot_be_attached(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data", region="fra1")
        assert (await refusal(api, volume_id, "attach", droplet_id=A))[0] == 422


@pytest.mark.asyncio
async def test_droplet_ids_can_change_when_the_action_starts(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--early-attachments", "--action-latency=60") as api:
        volume_id = await api.create("data")
        await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
        assert (await api.volume(volume_id))["droplet_ids"] == [A]
    async with localcloud.here(tmp_path, "--early-attachments", "--action-latency=0") as api:
        assert (await api.ask("GET", "/v2/volumes")).parts("volumes")[0]["droplet_ids"] == [A]


@pytest.mark.asyncio
async def test_a_detach_can_be_seen_before_it_is_over(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--early-attachments") as api:
        volume_id = await api.create("data")
        await api.act(volume_id, "attach", droplet_id=A)
        await api.ask("POST", "/_localcloud/faults", {"kind": "action_stuck"})
        await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "detach", "droplet_id": A})
        assert (await api.volume(volume_id))["droplet_ids"] == []


@pytest.mark.asyncio
async def test_the_accounts_actions_can_be_without_those_of_volumes(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--account-actions=false") as api:
        volume_id = await api.create("data")
        action = await api.act(volume_id, "attach", droplet_id=A)
        assert (await api.ask("GET", "/v2/actions")).parts("actions") == []
        assert (await api.ask("GET", f"/v2/actions/{action['id']}")).part("action") == action
        assert (await api.ask("GET", f"/v2/volumes/{volume_id}/actions")).parts("actions") == [action]
