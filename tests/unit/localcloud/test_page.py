"""What the page is told: an overview at each change, the timeline, and how to reach the API."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tools.services import localcloud
from tools.services.localcloud import Api, Json

A = 410000001


async def overviews(api: Api) -> AsyncGenerator[dict[str, object]]:
    """Give each overview that the events bring."""
    async with api.session.get(f"{api.address}_localcloud/events") as reply:
        async for line in reply.content:
            if line.startswith(b"data: "):
                yield Json.validate_json(line.removeprefix(b"data: "))


async def first_overview(api: Api) -> dict[str, object]:
    async with asyncio.timeout(20):
        return await anext(overviews(api))


def timeline(overview: dict[str, object]) -> list[dict[str, object]]:
    entries = overview["timeline"]
    assert isinstance(entries, list)
    return entries


@pytest.mark.asyncio
async def test_the_timeline_has_a_request_after_its_effect_and_names_the_fault_that_struck(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("orders")
        await api.ask("POST", "/_localcloud/faults", {"kind": "error", "where": {"method": "DELETE"}})
        await api.ask("DELETE", f"/v2/volumes/{volume_id}")
        effect, request, refused = timeline(await first_overview(api))
        assert (effect["effect"], effect["subject"]) == ("volume_created", volume_id)
        assert (request["method"], request["status"], request["request_id"]) == ("POST", 201, effect["request_id"])
        assert (refused["status"], refused["why"]) == (503, "fault #1: error")


@pytest.mark.asyncio
async def test_the_timeline_says_why_the_api_refused(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--rate-minute=1") as api:
        await api.ask("GET", "/v2/volumes")
        await api.ask("GET", "/v2/volumes")
        overview = await first_overview(api)
        assert [(entry["status"], bool(entry["why"])) for entry in timeline(overview)] == [(200, False), (429, True)]
        traffic = overview["traffic"]
        assert isinstance(traffic, list)
        assert [sum(column) for column in zip(*traffic, strict=True)] == [1, 1]


@pytest.mark.asyncio
async def test_each_entry_of_the_timeline_is_sent_once_and_the_oldest_are_forgotten(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api, asyncio.timeout(30):
        for _ in range(310):
            await api.ask("GET", "/v2/account")
        events = overviews(api)
        assert len(timeline(await anext(events))) == 300
        await api.create("orders")
        later: list[dict[str, object]] = []
        while len(later) < 2:
            later += timeline(await anext(events))
        assert [entry.get("effect") for entry in later] == ["volume_created", None]
        await events.aclose()


@pytest.mark.asyncio
async def test_a_ledger_that_was_cleared_goes_on_in_the_timeline(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        await api.create("one")
        await api.create("two")
        await api.ask("DELETE", "/_localcloud/ledger")
        await api.create("three")
        created = [entry["detail"] for entry in timeline(await first_overview(api)) if "effect" in entry]
        assert [json.loads(json.dumps(detail))["name"] for detail in created] == ["one", "two", "three"]


@pytest.mark.asyncio
async def test_the_page_is_told_the_address_and_the_token(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--token=a") as api:
        told = (await api.ask("GET", "/_localcloud/connection", token="")).body
        assert told == {"url": api.address.rstrip("/"), "token": "a", "state": str(tmp_path)}
        other = {"Origin": "http://elsewhere.example"}
        async with api.session.get(f"{api.address}_localcloud/connection", headers=other) as reply:
            assert reply.status == 403


@pytest.mark.asyncio
async def test_what_a_disk_was_told_to_do_is_shown_until_it_works_again(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("orders")
        path = f"/_localcloud/volumes/{volume_id}/disk"
        await api.ask("POST", path, {"writes": "fail", "bytes_per_second": 5})
        await api.ask("POST", path, {"bytes_per_second": 0})
        assert await trouble(api) == {"fails_writes": True, "hangs": False, "bytes_per_second": 0}
        await api.ask("POST", path, {"writes": "work"})
        assert await trouble(api) == {"fails_writes": False, "hangs": False, "bytes_per_second": 0}


async def trouble(api: Api) -> object:
    volumes = (await first_overview(api))["volumes"]
    assert isinstance(volumes, list)
    return volumes[0]["trouble"]


@pytest.mark.asyncio
async def test_a_volume_without_a_disk_has_no_device_and_one_that_is_gone_is_not_found(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        volume_id = await api.create("orders")
        sight = await api.ask("GET", f"/_localcloud/volumes/{volume_id}")
        assert sight.body == {"device": None, "used_bytes": None}
        assert (await api.ask("GET", "/_localcloud/volumes/none")).status == 404


@pytest.mark.asyncio
async def test_no_file_but_those_of_the_page_can_be_had(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        assert (await api.ask("GET", "/_localcloud/page/page.css")).status == 200
        assert (await api.ask("GET", "/_localcloud/page/overview.py")).status == 404
