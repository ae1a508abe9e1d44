"""A delete is believed when it is proven."""

import pytest

from common import errors
from tests.fakes.wire import Reply, Script, said, scripted
from tests.unit.controller.digitalocean.answers import MINE, VOLUME

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_an_empty_204_of_nobody_is_proven_by_a_look() -> None:
    gone = said(404, {"id": "not_found", "message": "The resource you were accessing could not be found."})
    client, _, _ = scripted(Script(Reply(204, b""), gone))
    await client.delete_volume(MINE)
    client, _, _ = scripted(Script(Reply(204, b""), said(200, {"volume": VOLUME})))
    with pytest.raises(errors.OutcomeUnknown):
        await client.delete_volume(MINE)
