"""An answer is used only if it is about what was asked for, and within the documented ranges."""

import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from common import deadlines, errors
from controller.cloud import base, cloud_errors
from controller.cloud.base import Place, VolumeOrder
from controller.cloud.paging import everything
from controller.digitalocean import models
from controller.digitalocean.client import DigitalOcean
from controller.records import BLANK
from tests.fakes.wire import Reply, Script, said, scripted

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

MINE, OTHER, SNAPSHOT = (str(uuid.UUID(int=number)) for number in (0xA1, 0xA2, 0xA3))
MOMENT = "2026-01-01T00:00:00Z"
REGION = {"slug": "nyc1"}
VOLUME = {"id": MINE, "name": "pvc-a", "size_gigabytes": 2, "region": REGION, "droplet_ids": [], "created_at": MOMENT}
ACTION = {"id": 7, "status": "in-progress", "type": "attach_volume", "resource_id": 101, "resource_type": "droplet"}
TAKEN = {
    "id": SNAPSHOT,
    "name": "snap",
    "resource_id": MINE,
    "resource_type": "volume",
    "min_disk_size": 2,
    "regions": ["nyc1"],
    "created_at": MOMENT,
}
DROPLET = {"id": 101, "status": "active", "locked": False, "region": REGION, "volume_ids": []}
ORDER = VolumeOrder("pvc-a", "nyc1", 2, BLANK)
PLACE = Place(MINE, "101", "nyc1")

Work = Callable[[DigitalOcean], Coroutine[object, object, object]]


def page(kind: str, *items: object) -> Reply:
    return said(200, {kind: items, "meta": {"total": len(items)}, "links": {}})


@pytest.mark.parametrize(
    ("work", "reply"),
    [
        pytest.param(lambda c: c.create_volume(ORDER), (201, {"volume": {**VOLUME, "name": "pvc-b"}}), id="made, name"),
        pytest.param(
            lambda c: c.create_volume(ORDER), (201, {"volume": {**VOLUME, "region": {"slug": "fra1"}}}), id="made, zone"
        ),
        pytest.param(
            lambda c: c.create_volume(ORDER), (201, {"volume": {**VOLUME, "size_gigabytes": 3}}), id="made, size"
        ),
        pytest.param(lambda c: c.get_volume(MINE), (200, {"volume": {**VOLUME, "id": OTHER}}), id="volume"),
        pytest.param(
            lambda c: c.attach(PLACE, ()), (202, {"action": {**ACTION, "resource_id": 102}}), id="attach, node"
        ),
        pytest.param(lambda c: c.attach(PLACE, ()), (202, {"action": {**ACTION, "type": "detach"}}), id="attach, kind"),
        pytest.param(lambda c: c.detach(PLACE), (202, {"action": ACTION}), id="detach, kind"),
        pytest.param(lambda c: c.resize(PLACE, 5), (202, {"action": ACTION}), id="resize, kind"),
        pytest.param(lambda c: c.get_action(MINE, "8"), (200, {"action": ACTION}), id="action"),
        pytest.param(
            lambda c: c.snapshots.create_snapshot(MINE, "snap", ()),
            (201, {"snapshot": {**TAKEN, "name": "s"}}),
            id="taken, name",
        ),
        pytest.param(
            lambda c: c.snapshots.create_snapshot(MINE, "snap", ()),
            (201, {"snapshot": {**TAKEN, "resource_id": OTHER}}),
            id="taken, volume",
        ),
        pytest.param(
            lambda c: c.snapshots.create_snapshot(MINE, "snap", ()),
            (201, {"snapshot": {**TAKEN, "resource_type": "droplet"}}),
            id="taken, kind",
        ),
        pytest.param(
            lambda c: c.snapshots.get_snapshot(SNAPSHOT), (200, {"snapshot": {**TAKEN, "id": OTHER}}), id="snapshot"
        ),
        pytest.param(lambda c: c.get_server("101"), (200, {"droplet": {**DROPLET, "id": 102}}), id="node"),
    ],
)
async def test_an_answer_about_something_else_leaves_the_outcome_unknown(work: Work, reply: tuple[int, object]) -> None:
    client, _, _ = scripted(Script(said(*reply)))
    with pytest.raises(errors.OutcomeUnknown, match="about something else"):
        await work(client)


async def test_snapshots_of_another_volume_are_not_taken_for_ours() -> None:
    client, _, _ = scripted(Script(page("snapshots", {**TAKEN, "resource_id": OTHER})))
    with pytest.raises(errors.OutcomeUnknown, match="about something else"):
        await client.snapshots.volume_snapshots(MINE)


async def test_a_list_leaves_out_volumes_of_another_zone() -> None:
    client, _, _ = scripted(Script(page("volumes", VOLUME, {**VOLUME, "id": OTHER, "region": {"slug": "fra1"}})))
    assert [each.id for each in (await client.list_volumes("nyc1", 1)).items] == [MINE]


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
    models._tell.cache_clear()
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
    assert isinstance(found, base.Page)
    assert len(found.items) == 1


async def test_a_list_of_nothing_but_odd_items_is_no_empty_list() -> None:
    client, _, _ = scripted(Script(page("volumes", *({**VOLUME, "size_gigabytes": "2"} for _ in range(9)))))
    with pytest.raises(errors.OutcomeUnknown, match="none of 9 items fits"):
        await client.list_volumes("nyc1", 1)


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


async def test_no_action_of_a_volume_is_left_out_since_it_may_be_under_way() -> None:
    client, _, _ = scripted(Script(page("actions", {**ACTION, "status": "odd"})))
    with pytest.raises(errors.OutcomeUnknown):
        await client.volume_actions(MINE)


async def test_a_token_that_may_not_list_actions_sees_none_and_asks_once_an_hour() -> None:
    script = Script(said(403, {"id": "forbidden", "message": "You are not authorized"}))
    client, _, _ = scripted(script)
    for _ in range(3):
        assert await client.account_actions(1) == base.Page()
    assert len(script.asked) == 1


async def test_a_tag_is_put_on_in_the_spelling_that_the_cloud_keeps() -> None:
    missing = said(404, {"id": "not_found", "message": "The resource you were accessing could not be found."})
    script = Script(missing, said(201, {"tag": {"name": "Prod"}}), said(204, None))
    client, _, _ = scripted(script)
    await client.add_label(MINE, "prod")
    assert script.asked[-1] == "POST /v2/tags/Prod/resources"


async def test_a_refused_snapshot_tells_when_to_come_again_and_holds_back_nothing_else() -> None:
    text = "failed to create snapshot: this operation is rate-limited - one request per 10m0s"
    script = Script(said(429, {"id": "too_many_requests", "message": text}), said(200, {"volume": VOLUME}))
    client, http, _ = scripted(script)
    with pytest.raises(cloud_errors.SnapshotLimit, match="retry after 600 s"):
        await client.snapshots.create_snapshot(MINE, "snap", ())
    with deadlines.until(1.0):
        assert (await client.get_volume(MINE)).id == MINE
    assert len(script.asked) == 2
    assert http._budget.window.allowance == 10_000


async def test_a_409_or_403_of_a_proxy_is_no_refusal() -> None:
    for status in (403, 404, 409, 422):
        client, _, _ = scripted(Script(Reply(status, b"<html>limit exceeded</html>", "text/html")))
        with pytest.raises(errors.OutcomeUnknown, match="not the API's own"):
            await client.delete_volume(MINE)


async def test_not_found_is_not_believed_before_the_token_was_let_in() -> None:
    gone = said(404, {"id": "not_found", "message": "The resource you were accessing could not be found."})
    client, _, access = scripted(Script(gone), proven=False)
    with pytest.raises(errors.OutcomeUnknown, match="let the API token in"):
        await client.delete_volume(MINE)
    access.prove("dop_v1_scripted", "team-1")
    with pytest.raises(cloud_errors.Gone):
        await client.delete_volume(MINE)


async def test_an_empty_204_of_nobody_is_proven_by_a_look() -> None:
    gone = said(404, {"id": "not_found", "message": "The resource you were accessing could not be found."})
    client, _, _ = scripted(Script(Reply(204, b""), gone))
    await client.delete_volume(MINE)
    client, _, _ = scripted(Script(Reply(204, b""), said(200, {"volume": VOLUME})))
    with pytest.raises(errors.OutcomeUnknown):
        await client.delete_volume(MINE)


async def test_a_droplet_that_is_told_twice_holds_a_volume_once() -> None:
    client, _, _ = scripted(Script(said(200, {"volume": {**VOLUME, "droplet_ids": [101, 101, 7]}})))
    assert (await client.get_volume(MINE)).server_ids == ("101", "7")


async def test_a_total_below_what_is_there_does_not_count() -> None:
    few = said(200, {"volumes": [VOLUME, {**VOLUME, "id": OTHER}], "meta": {"total": 0}, "links": {}})
    client, _, _ = scripted(Script(few))
    assert (await client.list_volumes(None, 1)).total == 2
