"""What the controller needs of the cloud: one line for each, and what to do where one fails."""

import pytest

from common import checks
from controller.digitalocean.preconditions import preconditions
from controller.digitalocean.token import Token
from tests.fakes.wire import TOKEN, Reply, Script, said, scripted

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

EMPTY = {"meta": {"total": 0}, "links": {}}
ACCOUNT = said(200, {"account": {"uuid": "account-1", "team": {"uuid": "team-1"}}})
REGIONS = said(200, {"regions": [{"slug": "nyc1", "features": ["storage"]}], **EMPTY})
LISTS = [said(200, {kind: [], **EMPTY}) for kind in ("volumes", "snapshots", "droplets", "actions")]
FORBIDDEN = said(403, {"id": "forbidden", "message": "You are not authorized to perform this operation"})


async def here() -> str:
    return "nyc1"


async def lines(*answers: Reply) -> tuple[int, list[str]]:
    client, _, access = scripted(Script(*answers), proven=False)
    told: list[str] = []
    needed = preconditions(client, Token(TOKEN), access, "http://cloud/", here)
    return await checks.report(needed, told.append), told


async def test_a_token_with_all_scopes_passes() -> None:
    status, told = await lines(ACCOUNT, REGIONS, *LISTS)
    assert (status, [line[0] for line in told]) == (0, ["✓"] * 8)
    assert "team-1" in told[1]


async def test_a_token_without_the_right_to_list_actions_passes_since_that_saves_requests_alone() -> None:
    status, told = await lines(ACCOUNT, REGIONS, *LISTS[:3], FORBIDDEN)
    assert status == 0
    assert "a request of its own" in told[-1]


async def test_a_scope_that_is_missing_is_told_with_the_remedy() -> None:
    status, told = await lines(ACCOUNT, REGIONS, FORBIDDEN, *LISTS[1:])
    assert status == 1
    assert told[4].startswith("✗ the token may read volumes: ")
    assert "scopes" in told[4]


async def test_a_region_without_volumes_is_told() -> None:
    status, told = await lines(ACCOUNT, said(200, {"regions": [{"slug": "nyc1"}], **EMPTY}), *LISTS)
    assert status == 1
    assert "region nyc1 has no volumes (remedy: correct AIOCSI_REGION)" in told[3]


async def test_a_page_in_the_apis_place_is_told_and_nothing_more_is_tried() -> None:
    status, told = await lines(Reply(404, b"<html><title>Not here</title></html>", "text/html"))
    assert status == 1
    assert "'Not here', which is not the API's own (remedy: check AIOCSI_API_URL" in told[1]
    assert sum("not tried" in line for line in told) == 5
