"""Snapshots over HTTP, by both paths, and their limits."""

from pathlib import Path

import pytest

from tools.services import localcloud
from tools.services.localcloud import Api

OFTEN = "--snapshot-interval=0"
EARLY = "failed to create snapshot: this operation is rate-limited - one request per 10m0s"


async def snap(api: Api, volume_id: str, name: str, **more: object) -> localcloud.Reply:
    return await api.ask("POST", f"/v2/volumes/{volume_id}/snapshots", {"name": name, **more})


@pytest.mark.asyncio
async def test_a_snapshot_is_found_by_every_path_and_outlives_its_volume(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data", 3)
        made = (await snap(api, volume_id, "monday", tags=["keep"])).part("snapshot")
        assert (made["resource_id"], made["min_disk_size"], made["regions"]) == (volume_id, 3, ["nyc1"])
        assert (await api.ask("GET", f"/v2/volumes/{volume_id}/snapshots")).parts("snapshots") == [made]
        assert (await api.ask("DELETE", f"/v2/volumes/{volume_id}")).status == 204
        for path in ("/v2/snapshots/", "/v2/volumes/snapshots/"):
            assert (await api.ask("GET", f"{path}{made['id']}")).part("snapshot") == made
        assert (await api.ask("GET", "/v2/snapshots?resource_type=volume")).parts("snapshots") == [made]
        assert (await api.ask("GET", "/v2/snapshots?resource_type=droplet")).parts("snapshots") == []


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/v2/snapshots/", "/v2/volumes/snapshots/"])
async def test_a_deleted_snapshot_is_gone(tmp_path: Path, path: str) -> None:
    async with localcloud.here(tmp_path) as api:
        made = (await snap(api, await api.create("data"), "monday")).part("snapshot")
        assert (await api.ask("DELETE", f"{path}{made['id']}")).status == 204
        assert (await api.ask("DELETE", f"{path}{made['id']}")).status == 404


@pytest.mark.asyncio
async def test_a_volume_has_one_snapshot_every_ten_minutes_and_so_many_in_all(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        assert (await snap(api, volume_id, "one")).status == 201
        reply = await snap(api, volume_id, "two")
        assert (reply.status, reply.body["message"]) == (429, EARLY)
        assert "retry-after" not in reply.headers
    async with localcloud.here(tmp_path, OFTEN, "--volume-snapshots=2") as api:
        assert (await snap(api, volume_id, "two")).status == 201
        assert (await snap(api, volume_id, "three")).status == 422


@pytest.mark.asyncio
async def test_a_deleted_snapshot_counts_toward_the_interval_through_a_restart(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id, other_id = await api.create("data"), await api.create("other")
        made = (await snap(api, volume_id, "one")).part("snapshot")
        await api.ask("DELETE", f"/v2/snapshots/{made['id']}")
        assert (await snap(api, volume_id, "two")).status == 429
    async with localcloud.here(tmp_path) as api:
        assert (await snap(api, volume_id, "two")).status == 429
        assert (await snap(api, other_id, "three")).status == 201


@pytest.mark.asyncio
async def test_a_snapshot_name_is_taken_once(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, OFTEN) as api:
        volume_id = await api.create("data")
        assert [(await snap(api, volume_id, "same")).status for _ in range(2)] == [201, 409]


@pytest.mark.asyncio
async def test_a_volume_from_a_snapshot_begins_as_large_and_in_its_region(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        made = (await snap(api, await api.create("data", 3), "monday")).part("snapshot")
        wanted = {"name": "restored", "size_gigabytes": 3, "snapshot_id": made["id"]}
        assert (await api.ask("POST", "/v2/volumes", wanted | {"size_gigabytes": 2})).status == 422
        assert (await api.ask("POST", "/v2/volumes", wanted | {"region": "fra1"})).status == 422
        restored = (await api.ask("POST", "/v2/volumes", wanted)).part("volume")
        assert restored["size_gigabytes"] == 3
        larger = wanted | {"name": "larger", "size_gigabytes": 5}
        begun = (await api.ask("POST", "/v2/volumes", larger)).part("volume")
        assert begun["size_gigabytes"] == 3
        await api.act(str(begun["id"]), "resize", size_gigabytes=5)
        assert (await api.volume(str(begun["id"])))["size_gigabytes"] == 5
        region = restored["region"]
        assert isinstance(region, dict)
        assert region["slug"] == "nyc1"
