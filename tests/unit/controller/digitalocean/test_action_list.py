"""The account's list of actions."""

from dataclasses import replace

import pytest

from common import errors
from controller.cloud import records
from tests.fakes.wire import Script, said, scripted
from tests.unit.controller.digitalocean.answers import ACTION, MINE, page

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_no_action_of_a_volume_is_left_out_since_it_may_be_under_way() -> None:
    client, _, _ = scripted(Script(page("actions", {**ACTION, "status": "odd"})))
    with pytest.raises(errors.OutcomeUnknown):
        await client.volume_actions(MINE)


async def test_a_token_that_may_not_list_actions_sees_none_and_asks_once_an_hour() -> None:
    script = Script(said(403, {"id": "forbidden", "message": "You are not authorized"}))
    client, _, _ = scripted(script)
    for _ in range(3):
        assert await client.account_actions(1) == records.Page()
    assert len(script.asked) == 1


async def test_actions_are_told_newest_first_whatever_their_order_was() -> None:
    items = [{**ACTION, "id": number} for number in (7, 9, 8)]
    client, _, _ = scripted(Script(page("actions", *items)))
    assert [each.action.id for each in await client.recent(MINE)] == ["9", "8", "7"]
    assert [each.action.id for each in (await client.account_actions(1)).items] == ["9", "8", "7"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"type": "detach_volume"}, id="of another kind"),
        pytest.param({"type": "snapshot"}, id="of no volume"),
        pytest.param({"resource_id": 102}, id="of another node"),
    ],
)
@pytest.mark.parametrize("several", [False, True])
async def test_an_action_that_has_become_another_one_is_not_taken_for_done(
    other: dict[str, object], several: bool
) -> None:
    done = {**ACTION, "status": "completed"}
    one, listed = said(200, {"action": {**done, **other}}), page("actions", {**done, **other})
    client, _, _ = scripted(Script(listed, one) if several else Script(one))
    wanted = records.Pending("7", records.Kind.ATTACH, MINE, "101")
    assert await client.progress([wanted], [replace(wanted, id="6")] if several else ()) == []


async def test_a_list_that_no_longer_shows_what_is_accounted_for_may_have_missed_some() -> None:
    done = {**ACTION, "status": "completed"}
    client, _, _ = scripted(Script(page("actions", done), page("actions", done), page("actions")))
    first = await client.changes("")
    assert first is not None
    same, nothing = await client.changes(first.now), await client.changes(first.now)
    assert [each.missed for each in (first, same, nothing) if each is not None] == [False, False, True]
