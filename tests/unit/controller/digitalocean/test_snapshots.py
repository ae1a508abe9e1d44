"""Snapshots, as the API tells of them."""

import pytest

from common import errors
from controller.cloud.cloud_errors import Gone
from tests.fakes.wire import Script, said, scripted
from tests.unit.controller.digitalocean.answers import MINE, OTHER, SNAPSHOT, TAKEN, page

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_snapshots_of_another_volume_are_not_taken_for_ours() -> None:
    client, _, _ = scripted(Script(page("snapshots", {**TAKEN, "resource_id": OTHER})))
    with pytest.raises(errors.OutcomeUnknown, match="about something else"):
        await client.snapshots.volume_snapshots(MINE)


async def test_what_the_cloud_says_is_no_snapshot_is_gone() -> None:
    client, _, _ = scripted(Script(said(400, {"id": "bad_request", "message": "it is not a snapshot"})))
    for work in (client.snapshots.delete_snapshot, client.snapshots.get_snapshot):
        with pytest.raises(Gone):
            await work(SNAPSHOT)


async def test_another_bad_request_says_nothing_of_a_snapshot() -> None:
    client, _, _ = scripted(Script(said(400, {"id": "bad_request", "message": "a header is malformed"})))
    with pytest.raises(errors.InvalidArgument):
        await client.snapshots.delete_snapshot(SNAPSHOT)


async def test_a_snapshot_of_a_droplet_is_asked_for_and_never_deleted() -> None:
    script = Script(said(200, {"snapshot": {**TAKEN, "id": "6372321", "resource_type": "droplet"}}))
    client, _, _ = scripted(script)
    for work in (client.snapshots.delete_snapshot, client.snapshots.get_snapshot):
        with pytest.raises(Gone):
            await work("6372321")
    assert {each.partition(" ")[0] for each in script.asked} == {"GET"}
