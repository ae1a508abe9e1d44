"""Volumes over HTTP: create, list, get, delete, and what is refused."""

from pathlib import Path

import pytest

from tools.services import localcloud

BASE = {"name": "data", "size_gigabytes": 1, "region": "nyc1"}


@pytest.mark.asyncio
async def test_a_created_volume_can_be_read_by_id_and_by_name(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        made = (await api.ask("POST", "/v2/volumes", {**BASE, "tags": ["b", "a"], "description": "of mine"})).body
        volume_id = await api.create("other")
        by_name = await api.ask("GET", "/v2/volumes?name=data&region=nyc1")
        assert by_name.body["volumes"] == [made["volume"]]
        assert (await api.volume(volume_id))["name"] == "other"


@pytest.mark.asyncio
async def test_a_fresh_volume_has_every_field_of_the_original(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume = (await api.ask("POST", "/v2/volumes", {**BASE, "tags": ["t"], "description": "d"})).part("volume")
        assert {key: volume[key] for key in volume if key not in {"id", "created_at", "region"}} == {
            "name": "data",
            "size_gigabytes": 1,
            "description": "d",
            "droplet_ids": [],
            "filesystem_type": "",
            "filesystem_label": "",
            "tags": ["t"],
        }


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        pytest.param({"name": "Data"}, 422, "unprocessable_entity", id="capital in the name"),
        pytest.param({"name": "1data"}, 422, "unprocessable_entity", id="name starts with a digit"),
        pytest.param({"name": "d" * 65}, 422, "unprocessable_entity", id="name of 65"),
        pytest.param({"name": "data\n"}, 422, "unprocessable_entity", id="newline in the name"),
        pytest.param({"name": 5}, 422, "unprocessable_entity", id="name is a number"),
        pytest.param({"size_gigabytes": 0}, 422, "unprocessable_entity", id="size 0"),
        pytest.param({"size_gigabytes": 16385}, 422, "unprocessable_entity", id="over 16 TiB"),
        pytest.param({"size_gigabytes": "1"}, 422, "unprocessable_entity", id="size is text"),
        pytest.param({"size_gigabytes": 1 << 70}, 422, "unprocessable_entity", id="size over 64 bits"),
        pytest.param({"region": "mars1"}, 422, "unprocessable_entity", id="no such region"),
        pytest.param({"region": "sfo2"}, 422, "unprocessable_entity", id="region without storage"),
        pytest.param({"region": None}, 422, "unprocessable_entity", id="no region"),
        pytest.param({"snapshot_id": "nope"}, 404, "not_found", id="no such snapshot"),
        pytest.param({"tags": ["not a tag"]}, 422, "unprocessable_entity", id="space in a tag"),
    ],
)
async def test_a_wrong_create_is_refused_and_makes_nothing(
    tmp_path: Path, change: dict[str, object], status: int, kind: str
) -> None:
    async with localcloud.here(tmp_path) as api:
        reply = await api.ask("POST", "/v2/volumes", {**BASE, **change})
        assert (reply.status, reply.body["id"]) == (status, kind)
        assert set(reply.body) == {"id", "message", "request_id"}
        assert (await api.ask("GET", "/v2/volumes")).part("meta") == {"total": 0}


@pytest.mark.asyncio
async def test_a_name_is_taken_in_its_own_region_only(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        await api.create("data")
        assert (await api.ask("POST", "/v2/volumes", BASE)).status == 409
        assert (await api.ask("POST", "/v2/volumes", {**BASE, "region": "fra1"})).status == 201


@pytest.mark.asyncio
async def test_the_account_limit_is_told_and_kept(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--account-volumes=1") as api:
        await api.create("one")
        reply = await api.ask("POST", "/v2/volumes", BASE)
        assert (reply.status, "capacity limit exceeded" in str(reply.body["message"])) == (403, True)
        assert (await api.ask("GET", "/v2/account")).part("account")["volume_limit"] == 1


@pytest.mark.asyncio
async def test_a_deleted_volume_is_gone_and_its_name_free(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        assert (await api.ask("DELETE", f"/v2/volumes/{volume_id}")).status == 204
        assert (await api.ask("DELETE", f"/v2/volumes/{volume_id}")).status == 404
        await api.create("data")
        assert (await api.ask("DELETE", "/v2/volumes?name=data&region=nyc1")).status == 204
        assert (await api.ask("DELETE", "/v2/volumes?name=data&region=nyc1")).status == 404


@pytest.mark.asyncio
async def test_pages_link_to_each_other_and_know_the_total(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        for number in range(5):
            await api.create(f"v{number}")
        seen: list[object] = []
        path = "/v2/volumes?per_page=2"
        links: list[set[str]] = []
        while path:
            reply = await api.ask("GET", path)
            seen += [volume["name"] for volume in reply.parts("volumes")]
            pages = reply.part("links")["pages"]
            assert isinstance(pages, dict)
            links.append(set(pages))
            path = str(pages.get("next", "")).removeprefix(api.address.rstrip("/"))
            assert reply.part("meta") == {"total": 5}
        assert seen == ["v0", "v1", "v2", "v3", "v4"]
        assert links == [{"next", "last"}, {"first", "prev", "next", "last"}, {"first", "prev"}]


@pytest.mark.asyncio
async def test_one_page_has_no_links(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        await api.create("data")
        assert (await api.ask("GET", "/v2/volumes")).part("links") == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "per_page=0", "per_page=1000", f"page={10**17}"])
async def test_a_senseless_page_is_no_error(tmp_path: Path, query: str) -> None:
    async with localcloud.here(tmp_path) as api:
        await api.create("data")
        reply = await api.ask("GET", f"/v2/volumes?{query}")
        assert (reply.status, reply.part("meta")) == (200, {"total": 1})
