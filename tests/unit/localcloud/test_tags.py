"""Tags, over HTTP."""

from pathlib import Path

import pytest

from tools.services import localcloud


@pytest.mark.asyncio
async def test_a_tag_is_put_on_and_taken_off_and_counted(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        resources = {"resources": [{"resource_id": volume_id, "resource_type": "volume"}]}
        assert (await api.ask("POST", "/v2/tags/k8s/resources", resources)).status == 404
        assert (await api.ask("POST", "/v2/tags", {"name": "k8s"})).status == 201
        assert (await api.ask("POST", "/v2/tags/k8s/resources", resources)).status == 204
        assert (await api.volume(volume_id))["tags"] == ["k8s"]
        counts = (await api.ask("GET", "/v2/tags/k8s")).part("tag")["resources"]
        assert isinstance(counts, dict)
        assert (counts["count"], counts["volumes"]) == (1, {"count": 1})
        assert (await api.ask("DELETE", "/v2/tags/k8s/resources", resources)).status == 204
        assert (await api.volume(volume_id))["tags"] == []


@pytest.mark.asyncio
async def test_a_tag_keeps_its_first_spelling_and_is_found_by_no_other(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data", tags=["Prod"])
        again = await api.ask("POST", "/v2/tags", {"name": "prod"})
        assert (again.status, again.part("tag")["name"]) == (201, "Prod")
        resources = {"resources": [{"resource_id": volume_id, "resource_type": "volume"}]}
        assert (await api.ask("POST", "/v2/tags/prod/resources", resources)).status == 404
        assert (await api.ask("GET", "/v2/tags/prod")).status == 404
        assert (await api.volume(await api.create("more", tags=["pROD"])))["tags"] == ["Prod"]
        assert [tag["name"] for tag in (await api.ask("GET", "/v2/tags")).parts("tags")] == ["Prod"]


@pytest.mark.asyncio
async def test_a_tag_is_put_on_all_or_on_none(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data")
        await api.ask("POST", "/v2/tags", {"name": "k8s"})
        both = [
            {"resource_id": volume_id, "resource_type": "volume"},
            {"resource_id": "x", "resource_type": "volume_snapshot"},
        ]
        assert (await api.ask("POST", "/v2/tags/k8s/resources", {"resources": both})).status == 404
        assert (await api.volume(volume_id))["tags"] == []


@pytest.mark.asyncio
async def test_a_deleted_tag_is_taken_off_everything(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("data", tags=["old", "new"])
        assert (await api.ask("DELETE", "/v2/tags/old")).status == 204
        assert (await api.volume(volume_id))["tags"] == ["new"]
        assert [tag["name"] for tag in (await api.ask("GET", "/v2/tags")).parts("tags")] == ["new"]
