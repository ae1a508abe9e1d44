"""Which volumes are looked at, and how often: once a minute, each by itself."""

import pytest

from node.records.state import Staged
from node.volume_watch import EVERY_SECONDS, MOST
from tests.unit.node.watched import World, passing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_each_volume_is_asked_once_a_minute_however_often_somebody_scrapes(world: World) -> None:
    world.stage(1)
    world.tasks.background(world.volumes.keep(), "volume metrics")
    for _ in range(30):
        world.page()
        await passing(10 * EVERY_SECONDS / 30)
    assert 9 <= len(world.asked.paths) <= 10


async def test_a_file_system_that_hangs_keeps_back_its_own_figures_alone(world: World) -> None:
    for number in range(1, 16):
        world.stage(number)
    world.asked.hanging = {"id-1", "id-2", "id-3"}
    world.volumes.look()
    await passing(5)
    assert [number for number in range(1, 16) if world.value("used_bytes", number) is None] == [1, 2, 3]
    assert world.asked.most <= 4
    for _ in range(10):
        await passing(EVERY_SECONDS)
        world.volumes.look()
    assert world.asked.at_once == 3


async def test_a_volume_that_was_unstaged_has_no_series(world: World) -> None:
    world.stage(1)
    world.volumes.look()
    await passing(1)
    world.host.state.remove(Staged, "id-1")
    assert world.page() == []


async def test_the_number_of_volumes_is_bounded(world: World) -> None:
    for number in range(1, MOST + 20):
        world.stage(number, kind="")
    world.volumes.look()
    await passing(1)
    assert len([line for line in world.page() if line.startswith("aiocsi_volume_info")]) == MOST
