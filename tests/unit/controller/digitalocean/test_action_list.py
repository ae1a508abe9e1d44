"""The account's list of actions."""

import pytest

from common import errors
from controller.cloud import base
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
        assert await client.account_actions(1) == base.Page()
    assert len(script.asked) == 1
