"""What a refusal of the API means."""

import pytest

from common import deadlines, errors
from controller.cloud import cloud_errors
from tests.fakes.wire import Reply, Script, said, scripted
from tests.unit.controller.digitalocean.answers import MINE, VOLUME

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


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
