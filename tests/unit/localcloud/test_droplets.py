"""Droplets that come, go and are switched off, over HTTP."""

from pathlib import Path

import pytest

from tools.services import localcloud

A, B = 410000001, 410000002


@pytest.mark.asyncio
async def test_droplets_are_found_by_name_and_by_tag(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        made = await api.ask("POST", "/v2/droplets", {"name": "web", "region": "nyc1", "tags": ["front"]})
        assert made.status == 202
        for query in ("name=web", "tag_name=front"):
            found = (await api.ask("GET", f"/v2/droplets?{query}")).parts("droplets")
            assert [droplet["id"] for droplet in found] == [made.part("droplet")["id"]]
        assert (await api.ask("GET", "/v2/droplets")).part("meta") == {"total": 3}


@pytest.mark.asyncio
async def test_a_deleted_droplet_lets_its_volumes_go(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await api.act(volume_id, "attach", droplet_id=A)
        assert (await api.ask("DELETE", f"/v2/droplets/{A}")).status == 204
        assert (await api.ask("GET", f"/v2/droplets/{A}")).status == 404
        assert (await api.volume(volume_id))["droplet_ids"] == []
        await api.act(volume_id, "attach", droplet_id=B)


@pytest.mark.asyncio
async def test_a_droplet_that_is_deleted_while_a_volume_comes_makes_the_action_fail(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=0.2") as api:
        volume_id = await api.create("data")
        reply = await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
        await api.ask("DELETE", f"/v2/droplets/{A}")
        assert (await api.ended(reply.part("action")["id"]))["status"] == "errored"
        assert (await api.volume(volume_id))["droplet_ids"] == []


@pytest.mark.asyncio
async def test_a_droplet_that_is_off_keeps_its_attachments(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await api.act(volume_id, "attach", droplet_id=A)
        reply = await api.ask("POST", f"/v2/droplets/{A}/actions", {"type": "power_off"})
        assert (reply.status, reply.part("action")["status"]) == (201, "completed")
        droplet = (await api.ask("GET", f"/v2/droplets/{A}")).part("droplet")
        assert (droplet["status"], droplet["volume_ids"]) == ("off", [volume_id])
        async with api.session.get(f"{api.address}_localcloud/droplets/{A}/metadata/v1/id") as answer:
            assert answer.status == 404


@pytest.mark.asyncio
async def test_a_deleted_droplet_ends_what_never_would_and_writes_an_action(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await api.ask("POST", "/_localcloud/faults", {"kind": "action_stuck", "times": 1})
        begun = await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "attach", "droplet_id": A})
        await api.ask("DELETE", f"/v2/droplets/{A}")
        destroy, attach = (await api.ask("GET", "/v2/actions")).parts("actions")
        assert (attach["id"], attach["status"]) == (begun.part("action")["id"], "errored")
        assert (destroy["type"], destroy["resource_type"], destroy["resource_id"]) == ("destroy", "droplet", A)
        assert (await api.act(volume_id, "attach", droplet_id=B))["status"] == "completed"


@pytest.mark.asyncio
async def test_a_resize_goes_on_when_its_droplet_is_deleted(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await api.act(volume_id, "attach", droplet_id=A)
        await api.ask("POST", "/_localcloud/faults", {"kind": "action_latency", "seconds": "0.2"})
        begun = await api.ask("POST", f"/v2/volumes/{volume_id}/actions", {"type": "resize", "size_gigabytes": 2})
        await api.ask("DELETE", f"/v2/droplets/{A}")
        assert (await api.ended(begun.part("action")["id"]))["status"] == "completed"
