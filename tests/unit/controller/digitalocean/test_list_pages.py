"""Pages end, whatever they name as the next one."""

import pytest

from common import errors
from controller.cloud.paging import everything
from tests.fakes.wire import Script, said, scripted
from tests.unit.controller.digitalocean.answers import DROPLET, OTHER, TAKEN, VOLUME

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.mark.parametrize("snapshots", [False, True])
async def test_pages_that_always_name_a_next_one_end_with_the_total(snapshots: bool) -> None:
    body = {"droplets": [DROPLET], "snapshots": [TAKEN], "meta": {"total": 450}, "links": {"pages": {"next": "again"}}}
    script = Script(said(200, body))
    client, _, _ = scripted(script)
    assert (
        len(await (everything(client.snapshots.list_snapshots) if snapshots else everything(client.list_servers))) == 3
    )
    assert len(script.asked) == 3


async def test_a_total_that_no_account_has_is_refused() -> None:
    body = {"droplets": [DROPLET], "meta": {"total": 10**9}, "links": {"pages": {"next": "again"}}}
    client, _, _ = scripted(Script(said(200, body)))
    with pytest.raises(errors.OutcomeUnknown, match=r"meta\.total"):
        await client.list_servers(1)


async def test_a_total_below_what_is_there_does_not_count() -> None:
    few = said(200, {"volumes": [VOLUME, {**VOLUME, "id": OTHER}], "meta": {"total": 0}, "links": {}})
    client, _, _ = scripted(Script(few))
    assert (await client.list_volumes(None, 1)).total == 2
