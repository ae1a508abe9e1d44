"""What the cloud told of a volume before is held against what it tells now."""

from dataclasses import replace

import pytest

from common import errors
from controller.cloud.cloud_errors import Gone
from controller.reading import read_volume
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_what_was_read_is_remembered_until_it_is_gone() -> None:
    world = World()
    volume = await world.create()
    other = World(world.cloud)
    assert other.parts.cache.get(volume) is None
    found = await read_volume(other.cloud, other.parts.cache, volume)
    assert other.parts.cache.get(volume) == found
    del world.cloud.volumes[volume]
    with pytest.raises(Gone, match=f"there is no volume {volume}"):
        await read_volume(other.cloud, other.parts.cache, volume)
    assert other.parts.cache.get(volume) is None


@pytest.mark.parametrize(("name", "zone"), [("another", "nyc1"), ("pvc-a", "elsewhere")])
async def test_a_volume_that_became_another_one_is_doubted_once(name: str, zone: str) -> None:
    world = World()
    volume = await world.create()
    world.cloud.volumes[volume] = replace(world.cloud.volumes[volume], name=name, zone=zone)
    with pytest.raises(errors.OutcomeUnknown, match=f"{volume} was pvc-a"):
        await read_volume(world.cloud, world.parts.cache, volume)
    assert await read_volume(world.cloud, world.parts.cache, volume) == world.parts.cache.get(volume)
