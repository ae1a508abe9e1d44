"""Snapshots, as the API tells of them."""

import pytest

from common import errors
from tests.fakes.wire import Script, scripted
from tests.unit.controller.digitalocean.answers import MINE, OTHER, TAKEN, page

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_snapshots_of_another_volume_are_not_taken_for_ours() -> None:
    client, _, _ = scripted(Script(page("snapshots", {**TAKEN, "resource_id": OTHER})))
    with pytest.raises(errors.OutcomeUnknown, match="about something else"):
        await client.snapshots.volume_snapshots(MINE)
