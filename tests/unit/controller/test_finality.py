"""Past the request that makes something nothing final is answered, and what was made is found without its source."""

from dataclasses import replace

import pytest

from common import errors
from controller.cloud.records import Page, Snapshot, Volume
from controller.records import Modify, Size, Source, TakeSnapshot
from controller.rules import temporary_snapshot
from tests.fakes.cloud import FakeCloud, Fault
from tests.unit.controller.world import World

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
GIB = 1 << 30


class Refusing(FakeCloud):
    """It refuses the requests of those names."""

    refused: frozenset[str] = frozenset()

    async def _arrive(self, request: str) -> Fault:
        if request in self.refused:
            self.requests.append(request)
            raise errors.FailedPrecondition(f"{request}: the cloud answered 422")
        return await super()._arrive(request)


class Late(FakeCloud):
    """Its lists of snapshots show none, of a volume or at all, for a while."""

    late: frozenset[str] = frozenset()

    async def volume_snapshots(self, volume_id: str) -> tuple[Snapshot, ...]:
        return () if "of the volume" in self.late else await super().volume_snapshots(volume_id)

    async def list_snapshots(self, page: int) -> Page[Snapshot]:
        return Page() if "all" in self.late else await super().list_snapshots(page)


async def restored(world: World) -> Source:
    source = await world.create("pvc-source", Size(1 * GIB))
    return Source(snapshot_id=(await world.work.snapshots.create(TakeSnapshot("snap", source))).id)


@pytest.mark.parametrize("of_volume", [False, True], ids=["restore", "clone"])
async def test_a_copy_that_cannot_be_grown_is_not_refused_for_good(*, of_volume: bool) -> None:
    cloud = Refusing()
    world = World(cloud)
    source = await restored(world)
    if of_volume:
        source = Source(volume_id=next(iter(cloud.volumes)))
    cloud.refused = frozenset({"resize"})
    for each in (world, World(cloud)):
        with pytest.raises(errors.NotFinal):
            await each.create("pvc-copy", Size(5 * GIB), source)
    cloud.refused = frozenset()
    copy = await world.create("pvc-copy", Size(5 * GIB), source)
    assert cloud.volumes[copy].size_bytes == 5 * GIB
    assert len(cloud.volumes) == 2


async def test_a_volume_that_may_have_been_made_is_not_refused_because_it_cannot_be_looked_for() -> None:
    cloud = Refusing()
    world = World(cloud)
    cloud.refused = frozenset({"find_volume"})
    cloud.faults.append(Fault.LOST_REPLY)
    with pytest.raises(errors.NotFinal):
        await world.create()
    cloud.refused = frozenset()
    assert await world.create() in cloud.volumes


@pytest.mark.parametrize("of_clone", [False, True], ids=["snapshot", "clone"])
async def test_a_snapshot_whose_name_is_taken_and_that_no_list_shows_is_not_refused_for_good(*, of_clone: bool) -> None:
    world = World(cloud := Late())
    volume = await world.create()
    name, labels = (temporary_snapshot.name_of("pvc-clone"), (temporary_snapshot.LABEL,)) if of_clone else ("snap", ())
    made = await cloud.create_snapshot(volume, name, labels)

    async def ask() -> object:
        if of_clone:
            return await world.create("pvc-clone", source=Source(volume_id=volume))
        return (await world.work.snapshots.create(TakeSnapshot("snap", volume))).id

    cloud.late = frozenset({"of the volume", "all"})
    with pytest.raises(errors.Unavailable, match=f"the name {name} is taken"):
        await ask()
    cloud.late = frozenset({"of the volume"})
    assert await ask() in {made.id, *cloud.volumes}


class Misnaming(FakeCloud):
    """It shows each volume by another name than a list does."""

    async def get_volume(self, volume_id: str) -> Volume:
        return replace(await super().get_volume(volume_id), name="other")


async def test_a_volume_that_is_shown_by_another_name_is_not_the_one_that_was_asked_for() -> None:
    world = World(cloud := Misnaming())
    cloud.make_volume("pvc-a")
    with pytest.raises(errors.OutcomeUnknown, match="listed as pvc-a, and shown as other"):
        await world.create("pvc-a")


async def test_an_attach_that_may_be_under_way_is_not_refused_because_it_cannot_be_looked_for() -> None:
    cloud = Refusing()
    world = World(cloud)
    volume = await world.create()
    cloud.refused = frozenset({"volume_actions"})
    cloud.faults.append(Fault.LOST_REPLY)
    with pytest.raises(errors.NotFinal):
        await world.publish(volume, "101")


async def test_tags_of_which_one_was_put_on_are_not_refused_for_good() -> None:
    cloud = Refusing()
    world = World(cloud)
    volume = await world.create()
    await world.volumes.modify(Modify(volume, ("old",), ()))
    cloud.refused = frozenset({"remove_label"})
    with pytest.raises(errors.NotFinal):
        await world.volumes.modify(Modify(volume, ("new",), ("old",)))
    with pytest.raises(errors.FailedPrecondition):
        await world.volumes.modify(Modify(volume, ("new",), ("old",)))


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_restore_is_found_again_though_its_snapshot_is_gone(*, restarted: bool) -> None:
    cloud = FakeCloud()
    world = World(cloud)
    source = await restored(world)
    copy = await world.create("pvc-copy", Size(5 * GIB), source)
    await World(cloud).work.snapshots.delete(source.snapshot_id)
    world = World(cloud) if restarted else world
    assert await world.create("pvc-copy", Size(5 * GIB), source) == copy
    with pytest.raises(errors.NotFound):
        await world.create("pvc-other", Size(5 * GIB), source)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clone_is_found_again_though_its_source_is_gone(*, restarted: bool) -> None:
    cloud = FakeCloud()
    world = World(cloud)
    source = await world.create("pvc-source", Size(1 * GIB))
    copy = await world.create("pvc-copy", Size(5 * GIB), Source(volume_id=source))
    await world.volumes.delete(source)
    world = World(cloud) if restarted else world
    assert await world.create("pvc-copy", Size(5 * GIB), Source(volume_id=source)) == copy
    with pytest.raises(errors.NotFound):
        await world.create("pvc-other", Size(5 * GIB), Source(volume_id=source))


async def test_a_restore_that_another_driver_has_begun_is_taken_over() -> None:
    world = World()
    source = await restored(world)
    begun = world.cloud.make_volume("pvc-copy")  # its description tells nothing of where it is from
    assert await world.create("pvc-copy", Size(5 * GIB), source) == begun.id
    assert world.cloud.volumes[begun.id].size_bytes == 5 * GIB


async def test_a_tag_is_the_same_in_any_case() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a")
    world.cloud.volumes[volume.id] = replace(volume, labels=("Prod",))
    await world.volumes.modify(Modify(volume.id, ("prod",), ()))
    assert world.cloud.count()["add_label"] == 0
    await world.volumes.modify(Modify(volume.id, (), ("PROD",)))
    assert world.cloud.volumes[volume.id].labels == ()


async def test_a_detach_of_which_nothing_is_known_is_not_refused_because_its_node_may_not_be_read() -> None:
    cloud = Refusing()
    world = World(cloud)
    volume = await world.create()
    await world.publish(volume, "101")
    cloud.refused = frozenset({"get_server"})
    cloud.faults.append(Fault.LOST_REPLY)
    with pytest.raises(errors.NotFinal):
        await world.unpublish(volume, "101")
