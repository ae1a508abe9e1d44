"""What the API's objects are to the port."""

import pytest

from tests.fakes.wire import Script, said, scripted
from tests.unit.controller.digitalocean.answers import MINE, OTHER, VOLUME, page

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_list_leaves_out_volumes_of_another_zone() -> None:
    client, _, _ = scripted(Script(page("volumes", VOLUME, {**VOLUME, "id": OTHER, "region": {"slug": "fra1"}})))
    assert [each.id for each in (await client.list_volumes("nyc1", 1)).items] == [MINE]


async def test_a_droplet_that_is_told_twice_holds_a_volume_once() -> None:
    client, _, _ = scripted(Script(said(200, {"volume": {**VOLUME, "droplet_ids": [101, 101, 7]}})))
    assert (await client.get_volume(MINE)).server_ids == ("101", "7")


async def test_what_a_region_offers_does_not_hide_a_volume_that_is_there() -> None:
    client, _, _ = scripted(Script(said(200, {"volume": {**VOLUME, "region": {"slug": "nyc1", "features": None}}})))
    assert (await client.get_volume(MINE)).zone == "nyc1"
