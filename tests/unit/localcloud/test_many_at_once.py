"""Many requests at the same moment: a check and the change that rests on it are never torn apart."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tools.services import localcloud
from tools.services.localcloud import Api

A = 410000001
MANY = 20


async def at_once(api: Api, *asked: tuple[str, str, object]) -> Counter[int]:
    """Send all requests at once; return how often each status was answered."""
    return Counter(reply.status for reply in await asyncio.gather(*(api.ask(*each) for each in asked)))


@pytest.mark.asyncio
async def test_of_many_attaches_to_a_droplet_one_is_accepted(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--action-latency=60") as api:
        ids = [await api.create(f"v{number}") for number in range(MANY)]
        body = {"type": "attach", "droplet_id": A}
        statuses = await at_once(api, *(("POST", f"/v2/volumes/{each}/actions", body) for each in ids))
        assert statuses == {202: 1, 422: MANY - 1}


@pytest.mark.asyncio
async def test_of_many_creates_with_one_name_one_is_accepted(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        body = {"name": "data", "size_gigabytes": 1, "region": "nyc1"}
        assert await at_once(api, *[("POST", "/v2/volumes", body)] * MANY) == {201: 1, 409: MANY - 1}


@pytest.mark.asyncio
async def test_the_account_limit_holds_however_many_ask(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path, "--account-volumes=5") as api:
        bodies = [{"name": f"v{number}", "size_gigabytes": 1, "region": "nyc1"} for number in range(MANY)]
        statuses = await at_once(api, *(("POST", "/v2/volumes", body) for body in bodies))
        assert statuses == {201: 5, 403: MANY - 5}


@pytest.mark.asyncio
async def test_of_many_snapshots_of_a_volume_one_is_accepted_within_ten_minutes(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        path = f"/v2/volumes/{await api.create('data')}/snapshots"
        statuses = await at_once(api, *(("POST", path, {"name": f"s{number}"}) for number in range(MANY)))
        assert statuses == {201: 1, 429: MANY - 1}


@pytest.mark.asyncio
async def test_of_many_deletes_one_is_accepted(tmp_path: Path) -> None:
    async with localcloud.here(tmp_path) as api:
        path = f"/v2/volumes/{await api.create('data')}"
        assert await at_once(api, *[("DELETE", path, None)] * MANY) == {204: 1, 404: MANY - 1}
