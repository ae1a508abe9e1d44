"""Pages end, whatever they name as the next one, and a list is whole or none."""

import pytest

from common import errors
from controller.cloud.paging import everything
from tests.fakes.wire import Reply, Script, said, scripted
from tests.unit.controller.digitalocean.answers import ACTION, DROPLET, MINE, OTHER, TAKEN, VOLUME, Work

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


def droplets(first: int, last: int, total: int, following: bool = False) -> Reply:
    items = [{**DROPLET, "id": number} for number in range(first, last + 1)]
    links = {"pages": {"next": "https://elsewhere.example.com/"}} if following else {}
    return said(200, {"droplets": items, "meta": {"total": total}, "links": links})


LISTS = [
    pytest.param("volumes", VOLUME, lambda c: everything(lambda page: c.list_volumes("nyc1", page)), id="volumes"),
    pytest.param("volumes", VOLUME, lambda c: c.find_volume("pvc-b", "nyc1"), id="volumes of a name"),
    pytest.param("snapshots", TAKEN, lambda c: everything(c.snapshots.list_snapshots), id="snapshots"),
    pytest.param("snapshots", TAKEN, lambda c: c.snapshots.volume_snapshots(MINE), id="snapshots of a volume"),
    pytest.param("droplets", DROPLET, lambda c: everything(c.list_servers), id="droplets"),
    pytest.param("actions", ACTION, lambda c: c.volume_actions(MINE), id="actions of a volume"),
    pytest.param("regions", {"slug": "nyc1"}, lambda c: c.region("fra1"), id="regions"),
]


@pytest.mark.parametrize("following", [False, True], ids=["no next page", "a next page"])
@pytest.mark.parametrize(("kind", "item", "work"), LISTS)
async def test_a_list_that_lacks_items_of_its_own_total_is_not_believed(
    kind: str, item: object, work: Work, following: bool
) -> None:
    links = {"pages": {"next": "again"}} if following else {}
    script = Script(said(200, {kind: [item], "meta": {"total": 19}, "links": links}))
    client, _, _ = scripted(script)
    with pytest.raises(errors.OutcomeUnknown, match="incomplete: page 1 has 1 of 19 items"):
        await work(client)
    assert len(script.asked) == 1


async def test_pages_are_read_as_the_total_says_wherever_a_link_leads() -> None:
    script = Script(droplets(1, 200, 201), droplets(201, 201, 201, following=True))
    client, _, _ = scripted(script)
    assert len(await everything(client.list_servers)) == 201
    assert len(script.asked) == 2


async def test_a_total_that_is_too_small_hides_no_page() -> None:
    script = Script(droplets(1, 200, 3, following=True), droplets(201, 250, 3), droplets(1, 200, 3, following=True))
    client, _, _ = scripted(script)
    page = await client.list_servers(1)
    assert (page.total, page.more) == (200, True)


async def test_pages_that_repeat_themselves_are_not_followed_for_ever() -> None:
    script = Script(droplets(1, 200, 100_000, following=True))
    client, _, _ = scripted(script)
    with pytest.raises(errors.OutcomeUnknown, match="repeats what came before"):
        await everything(client.list_servers)
    assert len(script.asked) == 2


@pytest.mark.parametrize("second", [droplets(201, 202, 202), droplets(201, 200, 200)], ids=["one came", "one went"])
async def test_a_list_that_changes_while_it_is_read_is_read_again(second: Reply) -> None:
    script = Script(droplets(1, 200, 201), second, droplets(1, 200, 200))
    client, _, _ = scripted(script)
    assert len(await everything(client.list_servers)) == 200
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
