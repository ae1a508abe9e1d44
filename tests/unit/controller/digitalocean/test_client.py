"""An answer is used only if it is about what was asked for, and within the documented ranges."""

import pytest

from common import deadlines, errors
from controller.cloud.cloud_errors import LookRefused
from controller.cloud.records import Place, VolumeOrder
from controller.records import BLANK, Source
from tests.fakes.wire import JSON, LIMITS, Reply, Script, said, scripted
from tests.unit.controller.digitalocean.answers import ACTION, DROPLET, MINE, OTHER, SNAPSHOT, TAKEN, VOLUME, Work

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

ORDER = VolumeOrder("pvc-a", "nyc1", 2, BLANK)

PLACE = Place(MINE, "101", "nyc1")


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


async def test_a_tag_is_put_on_in_the_spelling_that_the_cloud_keeps() -> None:
    missing = said(404, {"id": "not_found", "message": "The resource you were accessing could not be found."})
    script = Script(missing, said(201, {"tag": {"name": "Prod"}}), said(204, None))
    client, _, _ = scripted(script)
    await client.add_label(MINE, "prod")
    assert script.asked[-1] == "POST /v2/tags/Prod/resources"


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda c: c.create_volume(ORDER), id="create"),
        pytest.param(lambda c: c.find_volume("pvc-a", "nyc1"), id="find"),
        pytest.param(lambda c: c.list_volumes("nyc1", 1), id="volumes"),
        pytest.param(lambda c: c.list_servers(1), id="droplets"),
        pytest.param(lambda c: c.snapshots.list_snapshots(1), id="snapshots"),
        pytest.param(lambda c: c.account(), id="account"),
        pytest.param(lambda c: c.region("nyc1"), id="regions"),
    ],
)
async def test_what_is_always_there_is_never_gone(work: Work) -> None:
    gone = said(404, {"id": "not_found", "message": "The resource you were accessing could not be found."})
    client, _, _ = scripted(Script(gone))
    with pytest.raises(errors.OutcomeUnknown, match="404"):
        await work(client)


@pytest.mark.parametrize(
    ("work", "longest"),
    [
        pytest.param(lambda c: c.find_volume("pvc-a", "nyc1"), 1 << 20, id="find"),
        pytest.param(lambda c: c.list_volumes("nyc1", 1), 4 << 20, id="volumes"),
    ],
)
async def test_of_a_list_no_more_is_read_than_it_can_have(work: Work, longest: int) -> None:
    endless = Reply(200, b"{", JSON, repeated=8 << 20, headers=LIMITS)
    client, _, _ = scripted(Script(endless))
    with deadlines.until(1.0), pytest.raises(errors.OutcomeUnknown, match=f"longer than {longest} bytes"):
        await work(client)
    assert longest < endless.content.read_bytes < longest + (128 << 10)


async def test_a_restore_may_begin_smaller_and_never_larger() -> None:
    order = VolumeOrder("pvc-a", "nyc1", 5, Source(snapshot_id=SNAPSHOT), snapshot_id=SNAPSHOT)
    client, _, _ = scripted(Script(said(201, {"volume": VOLUME})))
    assert (await client.create_volume(order))[0].size_bytes == 2 << 30
    client, _, _ = scripted(Script(said(201, {"volume": {**VOLUME, "size_gigabytes": 6}})))
    with pytest.raises(errors.OutcomeUnknown, match="about something else"):
        await client.create_volume(order)


async def test_a_limit_of_the_account_that_is_odd_does_not_hide_whose_it_is() -> None:
    client, _, _ = scripted(Script(said(200, {"account": {"uuid": "a", "volume_limit": None}})))
    assert await client.account_id() == "a"
    with pytest.raises(errors.OutcomeUnknown):
        await client.account()


async def test_an_account_is_untold_only_to_a_token_that_may_not_see_it() -> None:
    client, _, _ = scripted(Script(said(403, {"id": "forbidden", "message": "You are not authorized"})))
    assert await client.account_id() == ""
    client, _, _ = scripted(Script(said(422, {"id": "unprocessable_entity", "message": "not now"})))
    with pytest.raises(LookRefused, match="not now"):
        await client.account_id()
