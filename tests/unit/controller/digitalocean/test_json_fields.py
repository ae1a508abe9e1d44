"""A value out of its range is never used, and one odd object hides no other."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from common import errors
from controller.cloud import records
from controller.digitalocean import json_fields
from tests.fakes.wire import Reply, Script, said, scripted
from tests.unit.controller.digitalocean.answers import ACTION, DROPLET, MINE, OTHER, TAKEN, VOLUME, Work, page

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"size_gigabytes": 1 << 70}, id="a size beyond 64 bits"),
        pytest.param({"size_gigabytes": -5}, id="a negative size"),
        pytest.param({"size_gigabytes": 0}, id="no size"),
        pytest.param({"size_gigabytes": 16385}, id="too large"),
        pytest.param({"size_gigabytes": True}, id="a size that is no number"),
        pytest.param({"size_gigabytes": "2"}, id="a size as text"),
        pytest.param({"id": "../account"}, id="an id that is a path"),
        pytest.param({"id": MINE.upper()}, id="an id in another form"),
        pytest.param({"id": MINE + "\n"}, id="an id with a line end"),
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": "a\x1b[2J"}, id="a name with control characters"),
        pytest.param({"name": "n" * 300}, id="a long name"),
        pytest.param({"droplet_ids": [1 << 63]}, id="a node beyond 63 bits"),
        pytest.param({"droplet_ids": [0]}, id="node 0"),
        pytest.param({"droplet_ids": list(range(1, 1000))}, id="a thousand nodes"),
        pytest.param({"created_at": "0001-01-01T00:00:00Z"}, id="a moment long ago"),
        pytest.param({"created_at": "9999-12-31T23:59:59Z"}, id="a moment far ahead"),
        pytest.param({"tags": ["t" * 300]}, id="a long tag"),
        pytest.param({"tags": ["t"] * 2000}, id="many tags"),
        pytest.param({"region": {"slug": "nyc1\n"}}, id="an odd region"),
        pytest.param({"region": None}, id="no region"),
    ],
)
async def test_a_value_out_of_its_range_is_never_used_and_hides_no_other_volume(odd: dict[str, Any]) -> None:  # type: ignore[explicit-any]
    changed = {**VOLUME, **odd}
    client, _, _ = scripted(Script(said(200, {"volume": changed}), page("volumes", changed, {**VOLUME, "id": OTHER})))
    json_fields._tell.cache_clear()
    with capture_logs() as lines:
        with pytest.raises(errors.OutcomeUnknown):
            await client.get_volume(MINE)
        assert [each.id for each in (await client.list_volumes("nyc1", 1)).items] == [OTHER]
        await client.list_volumes("nyc1", 1)
    assert [each["event"] for each in lines if each["log_level"] != "debug"] == ["odd_item"]


@pytest.mark.parametrize(
    ("work", "items"),
    [
        pytest.param(
            lambda c: c.list_servers(1), page("droplets", {**DROPLET, "region": None}, DROPLET), id="droplets"
        ),
        pytest.param(
            lambda c: c.snapshots.list_snapshots(1),
            page("snapshots", {**TAKEN, "name": "", "regions": None}, TAKEN),
            id="snapshots",
        ),
        pytest.param(
            lambda c: c.account_actions(1), page("actions", {**ACTION, "status": "odd"}, ACTION), id="actions"
        ),
    ],
)
async def test_one_odd_item_of_somebody_else_is_left_out(work: Work, items: Reply) -> None:
    client, _, _ = scripted(Script(items))
    found = await work(client)
    assert isinstance(found, records.Page)
    assert len(found.items) == 1


async def test_a_list_of_nothing_but_odd_items_is_no_empty_list() -> None:
    client, _, _ = scripted(Script(page("volumes", *({**VOLUME, "size_gigabytes": "2"} for _ in range(9)))))
    with pytest.raises(errors.OutcomeUnknown, match="none of 9 items fits"):
        await client.list_volumes("nyc1", 1)
