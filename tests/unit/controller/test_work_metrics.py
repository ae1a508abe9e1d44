"""What the controller has under way, as metrics."""

import asyncio
from contextlib import suppress

import pytest
from prometheus_client.registry import CollectorRegistry

from common import errors
from common.exposition import Form, render
from controller.pacing.lane_metrics import LaneMetrics
from controller.pacing.lanes import Lane
from controller.work_metrics import FORGOTTEN_SECONDS, Levels, WorkMetrics
from tests.fakes.cloud import SERVERS, FakeCloud
from tests.unit.controller.world import World, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def passing(seconds: float) -> None:
    """Let virtual time pass."""
    await asyncio.sleep(seconds)  # it is the time itself that is waited for


async def fail(work: WorkMetrics, volume_id: str, seconds: float) -> None:
    """A call for a detach fails after that time."""
    with suppress(errors.Unavailable), work.detaching(volume_id, "1"):
        await passing(seconds)
        raise errors.Unavailable("no")


def samples(registry: CollectorRegistry, name: str) -> list[str]:
    return [line for line in render(registry, Form.TEXT).decode().splitlines() if line.startswith(name)]


async def test_a_detach_is_pending_from_its_first_call_until_one_succeeds() -> None:
    work = WorkMetrics()
    assert work.oldest_detach_seconds() == 0
    await fail(work, "v", 10)
    await passing(50)
    await fail(work, "w", 5)
    assert work.oldest_detach_seconds() == 65
    with work.detaching("v", "1"):
        await passing(1)
    assert work.oldest_detach_seconds() == 6
    with work.detaching("w", "1"):
        pass
    assert work.oldest_detach_seconds() == 0


async def test_a_detach_that_hangs_is_pending_and_one_that_nobody_asks_for_any_more_is_not() -> None:
    work = WorkMetrics()
    await fail(work, "left to another replica", 1)
    with work.detaching("v", "1"):
        await passing(2 * FORGOTTEN_SECONDS)
        assert work.oldest_detach_seconds() == 2 * FORGOTTEN_SECONDS
    assert work.oldest_detach_seconds() == 0


async def test_a_detach_of_the_service_that_the_cloud_refuses_is_pending() -> None:
    world = World()
    volume_id = await world.create()
    await world.publish(volume_id, SERVERS[0])
    world.cloud.action_seconds = 3600
    with pytest.raises(errors.NotFinal):
        await within(20, world.unpublish(volume_id, SERVERS[0]))
    assert world.parts.work.oldest_detach_seconds() >= 20


async def test_an_action_is_counted_once_however_many_wait_for_it() -> None:
    world, registry = World(FakeCloud()), CollectorRegistry()
    world.parts.actions.watch(WorkMetrics(registry).action_ended)
    volume_id = await world.create()
    await world.publish(volume_id, SERVERS[0])
    world.cloud.action_seconds = 30
    with pytest.raises(errors.NotFinal):
        await within(5, world.unpublish(volume_id, SERVERS[0]))
    joining = (world.parts.actions.join(volume_id) for _ in range(3))
    await asyncio.gather(*joining)
    assert samples(registry, "aiocsi_action_seconds_count") == [
        'aiocsi_action_seconds_count{kind="attach",result="completed"} 1.0',
        'aiocsi_action_seconds_count{kind="detach",result="completed"} 1.0',
    ]


async def test_a_level_that_is_not_known_has_no_sample() -> None:
    registry = CollectorRegistry()
    levels = Levels(registry, {"aiocsi_known": "A number.", "aiocsi_unknown": "No number."})
    levels.watch({"aiocsi_known": lambda: 0, "aiocsi_unknown": lambda: None})
    assert samples(registry, "aiocsi_") == ["aiocsi_known 0.0"]


async def test_each_lane_tells_how_many_wait_in_it() -> None:
    registry = CollectorRegistry()
    LaneMetrics(registry).watch(lambda lane: 7 if lane is Lane.DETACH else 0)
    found = samples(registry, "aiocsi_cloud_requests_waiting")
    assert found[0] == 'aiocsi_cloud_requests_waiting{lane="detach"} 7.0'
    assert len(found) == len(Lane)
