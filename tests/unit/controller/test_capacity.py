"""What can still be made."""

import asyncio
from dataclasses import replace

import pytest

from csi_proto.csi import v1 as csi
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_capacity_is_what_the_account_has_left() -> None:
    world = World()
    await world.create()
    world.cloud.volume_limit = 3
    told = await world.service.get_capacity(csi.GetCapacityRequest())
    assert (told.available_capacity, told.maximum_volume_size) == (2 * 16384 << 30, 16384 << 30)
    theirs = world.cloud.make_volume("pvc-theirs").id
    world.cloud.volumes[theirs] = replace(world.cloud.volumes[theirs], zone="fra1")
    await asyncio.sleep(60)
    told = await world.service.get_capacity(csi.GetCapacityRequest())
    assert told.available_capacity == 16384 << 30  # the limit is the account's, for all its zones
    elsewhere = csi.GetCapacityRequest(accessible_topology=csi.Topology(segments={"region": "fra1"}))
    assert (await world.service.get_capacity(elsewhere)).available_capacity == 0
