"""The page of known volumes: everything or nothing, and no request for it."""

import asyncio
import json

import pytest

from controller import volumes_page
from tests.unit.controller.listed import many
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_before_all_volumes_were_read_none_is_told() -> None:
    world = World()
    await world.create("pvc-a")
    assert json.loads(volumes_page.render(world.work.inventory)) == {"age_seconds": None, "volumes": None}


async def test_all_volumes_are_told_with_their_age_and_nothing_is_asked_for_it() -> None:
    world = World()
    volume_id = await world.create("pvc-a")
    await world.work.inventory.refresh()
    await asyncio.sleep(42)
    asked = len(world.cloud.requests)
    told = json.loads(volumes_page.render(world.work.inventory))
    assert len(world.cloud.requests) == asked
    assert told["age_seconds"] == pytest.approx(42, abs=1)
    [volume] = told["volumes"]
    assert (volume["id"], volume["name"], volume["node_ids"]) == (volume_id, "pvc-a", [])


async def test_while_volumes_that_the_list_lacks_may_be_gone_none_is_told() -> None:
    world = World(many(30))
    await world.work.inventory.refresh()
    world.cloud.volumes.clear()
    told = []
    for _ in range(3):
        await asyncio.sleep(60)
        await world.work.inventory.refresh()
        told.append(json.loads(volumes_page.render(world.work.inventory))["volumes"])
    assert told == [None, [], []]


async def test_the_page_is_where_only_those_look_who_know_the_pod() -> None:
    inventory = World().work.inventory
    assert list(volumes_page.pages("6f1f", inventory)) == ["/volumes/6f1f"]
    assert volumes_page.pages("", inventory) == {}
