"""Temporary snapshots whose process has died: deleted when they are proven to be this cluster's, and to be old."""

import asyncio

import pytest

from common import errors
from controller.clone_sweep import LEFTOVER_SECONDS
from controller.cloud.records import Page, Snapshot
from controller.records import ListRequest, Source
from controller.rules import temporary_snapshot
from tests.fakes.cloud import FakeCloud
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

OURS = temporary_snapshot.name_of("pvc-clone")
LABEL = temporary_snapshot.LABEL
CLUSTER = ("k8s:a",)


class Failing(FakeCloud):
    """It refuses to list or to delete snapshots while ``fails``."""

    fails = ""

    async def list_snapshots(self, page: int) -> Page[Snapshot]:
        self._check("list")
        return await super().list_snapshots(page)

    async def delete_snapshot(self, snapshot_id: str) -> None:
        self._check("delete")
        await super().delete_snapshot(snapshot_id)

    def _check(self, what: str) -> None:
        if self.fails == what:
            raise errors.OutcomeUnknown(f"{what}: no answer")


async def hours(world: World, number: int) -> None:
    """Let the attacher ask for all volumes once an hour, and then so many times."""
    for _ in range(number + 1):
        await world.work.listing.volumes(ListRequest(0, ""))
        await asyncio.sleep(LEFTOVER_SECONDS)


async def left_by_another(world: World, labels: tuple[str, ...] = (LABEL, *CLUSTER), name: str = OURS) -> str:
    """Let a process that is dead have taken a snapshot."""
    return (await world.cloud.create_snapshot(await world.create(), name, labels)).id


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param((LABEL, *CLUSTER), id="as it was set"),
        pytest.param((LABEL.upper(), "K8S:A", "more"), id="in another case, and more"),
    ],
)
async def test_the_leftover_of_a_process_that_died_is_deleted_when_it_was_there_an_hour_ago(
    labels: tuple[str, ...],
) -> None:
    world = World(tags=CLUSTER)
    await left_by_another(world, labels)
    await hours(world, 0)
    assert len(world.cloud.taken) == 1
    await hours(world, 0)
    assert not world.cloud.taken


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        pytest.param((LABEL,), OURS, id="no cluster's"),
        pytest.param((LABEL, "k8s:b"), OURS, id="another cluster's"),
        pytest.param(CLUSTER, OURS, id="not temporary"),
        pytest.param((LABEL, *CLUSTER), f"{OURS}0", id="another name"),
    ],
)
async def test_what_is_not_proven_to_be_a_leftover_of_this_cluster_stays(labels: tuple[str, ...], name: str) -> None:
    world = World(tags=CLUSTER)
    await left_by_another(world, labels, name)
    await hours(world, 4)
    assert len(world.cloud.taken) == 1


async def test_without_a_label_of_the_cluster_nothing_is_looked_for() -> None:
    world = World()
    await left_by_another(world, (LABEL,))
    world.cloud.requests.clear()
    await hours(world, 4)
    assert "list_snapshots" not in world.cloud.requests
    assert len(world.cloud.taken) == 1


async def test_the_snapshot_of_a_clone_that_is_wanted_here_stays() -> None:
    world = World(tags=CLUSTER)
    source = await world.create("pvc-source")
    await world.cloud.create_snapshot(source, OURS, (LABEL, *CLUSTER))
    world.cloud.volume_limit = 1
    for _ in range(4):
        with pytest.raises(errors.ResourceExhausted):
            await world.create("pvc-clone", source=Source(volume_id=source))
        await world.work.listing.volumes(ListRequest(0, ""))
        await asyncio.sleep(LEFTOVER_SECONDS * 0.9)
    assert len(world.cloud.taken) == 1


@pytest.mark.parametrize("fails", ["list", "delete"])
async def test_what_fails_fails_no_call_and_is_tried_again_an_hour_later(fails: str) -> None:
    cloud = Failing()
    world = World(cloud, tags=CLUSTER)
    await left_by_another(world)
    cloud.fails = fails
    await hours(world, 2)
    assert len(cloud.taken) == 1
    cloud.fails = ""
    await hours(world, 2)
    assert not cloud.taken
