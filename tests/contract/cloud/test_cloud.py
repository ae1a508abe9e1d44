"""What the driver relies on: the fake cloud and the embedded cloud answer the same."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from common import errors, sizes
from controller.cloud import base
from controller.cloud.base import ActionState, Kind, Pending, Place, VolumeOrder, snapshots_of
from controller.records import BLANK, Source
from tests.contract.cloud.clouds import Subject, embedded, fake

pytestmark = pytest.mark.asyncio
ZONE = "nyc1"
NO_ID = str(uuid.UUID(int=0))


@pytest_asyncio.fixture(params=[fake, embedded], ids=["fake", "embedded"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with request.param(tmp_path / "state") as found:
        yield found


def order(name: str, size_gib: int = 1, snapshot_id: str | None = None) -> VolumeOrder:
    return VolumeOrder(name, ZONE, size_gib, Source(snapshot_id=snapshot_id or ""), ("a:b",), snapshot_id)


async def attached(subject: Subject, name: str, server_id: str) -> base.Volume:
    volume = await subject.create(order(name))
    place = Place(volume.id, server_id)
    await subject.ended(await subject.cloud.attach(place, ()))
    return await subject.cloud.get_volume(volume.id)


async def test_a_volume_is_as_it_was_ordered(subject: Subject) -> None:
    made = await subject.create(order("pvc-a", 3))
    assert (made.name, made.zone, made.size_bytes) == ("pvc-a", ZONE, 3 * sizes.GIB)
    assert (made.server_ids, made.labels, made.origin) == ((), ("a:b",), BLANK)
    assert await subject.cloud.get_volume(made.id) == made
    assert await subject.cloud.find_volume("pvc-a", ZONE) == made
    assert await subject.cloud.find_volume("pvc", ZONE) is None
    assert await subject.cloud.find_volume("pvc-a", "fra1") is None
    page = await subject.cloud.list_volumes(ZONE, 1)
    assert (page.items, page.total, page.more) == ((made,), 1, False)


async def test_a_name_is_taken_once(subject: Subject) -> None:
    await subject.create(order("pvc-a"))
    with pytest.raises(base.NameTaken):
        await subject.create(order("pvc-a", 2))


async def test_the_account_is_full_at_its_limit(subject: Subject) -> None:
    for number in range(4):
        await subject.create(order(f"pvc-{number}"))
    with pytest.raises(base.AccountFull):
        await subject.create(order("pvc-more"))
    assert await subject.cloud.account() == base.Account(4)


async def test_attach_is_an_action_and_the_volume_follows_it(subject: Subject) -> None:
    volume = await subject.create(order("pvc-a"))
    place = Place(volume.id, subject.servers[0])
    action = await subject.cloud.attach(place, ("c:d",))
    assert action is not None
    assert (action.kind, action.volume_id, action.server_id) == (Kind.ATTACH, volume.id, place.server_id)
    assert [each.state for each in await subject.cloud.recent(volume.id)] == [ActionState.IN_PROGRESS]
    ended = await subject.ended(action)
    assert ended is not None
    assert ended.state is ActionState.COMPLETED
    found = await subject.cloud.get_volume(volume.id)
    assert found.server_ids == (place.server_id,)
    assert set(found.labels) == {"a:b", "c:d"}
    assert (await subject.cloud.get_server(subject.servers[0])).volume_ids == (volume.id,)


async def test_recent_actions_are_the_volumes_own_newest_first(subject: Subject) -> None:
    volume, other = [await attached(subject, f"pvc-{name}", subject.servers[0]) for name in "ab"]
    detach = await subject.cloud.detach(Place(volume.id, subject.servers[0]))
    await subject.ended(detach)
    recent = await subject.cloud.recent(volume.id)
    assert [each.action.kind for each in recent] == [Kind.DETACH, Kind.ATTACH]
    assert {each.action.volume_id for each in recent} == {volume.id}
    assert recent[0].action.id == (detach and detach.id)
    assert [each.action.kind for each in await subject.cloud.recent(other.id)] == [Kind.ATTACH]


async def test_progress_tells_of_several_actions_and_of_one_that_the_cloud_does_not_know(subject: Subject) -> None:
    volumes = [await subject.create(order(f"pvc-{name}")) for name in "ab"]
    places = [Place(volume.id, server) for volume, server in zip(volumes, subject.servers, strict=True)]
    actions = [action for place in places if (action := await subject.cloud.attach(place, ()))]
    told = await subject.cloud.progress(actions[:1], actions[1:])
    assert actions[0].id in {each.action.id for each in told}
    for action in actions:
        await subject.ended(action)
    unknown = Pending(str(1 << 40), Kind.ATTACH, volumes[0].id)
    assert [each.state for each in await subject.cloud.progress([unknown])] == [ActionState.FORGOTTEN]


async def test_an_action_is_found_by_its_id_though_its_volume_is_not_known(subject: Subject) -> None:
    volume = await subject.create(order("pvc-a"))
    action = await subject.cloud.attach(Place(volume.id, subject.servers[0]), ())
    assert action is not None
    ended = await subject.ended(replace(action, volume_id=""))
    assert ended is not None
    assert ended.state is ActionState.COMPLETED


async def test_what_blocks_a_volume_is_told_and_then_is_over(subject: Subject) -> None:
    volume = await subject.create(order("pvc-a"))
    place = Place(volume.id, subject.servers[0])
    assert await subject.cloud.blocking(place) is None
    action = await subject.cloud.attach(place, ())
    blocking = await subject.cloud.blocking(place)
    assert (blocking and blocking.id) == (action and action.id)
    await subject.ended(action)
    assert await subject.cloud.blocking(place) is None


async def test_changes_since_the_last_answer_are_told_once(subject: Subject) -> None:
    volume = await attached(subject, "pvc-a", subject.servers[0])
    before = await subject.cloud.changes("")
    assert before is not None
    detach = await subject.cloud.detach(Place(volume.id, subject.servers[0]))
    await subject.ended(detach)
    after = await subject.cloud.changes(before.now)
    assert after is not None
    assert (after.ended, after.missed) == ((detach and detach.id,), False)
    last = await subject.cloud.changes(after.now)
    assert last is not None
    assert last.ended == ()


async def test_an_attached_volume_is_not_attached_again_nor_deleted(subject: Subject) -> None:
    volume = await attached(subject, "pvc-a", subject.servers[0])
    for server_id in subject.servers:
        with pytest.raises(base.AlreadyAttached):
            await subject.cloud.attach(Place(volume.id, server_id), ())
    with pytest.raises(base.InUse):
        await subject.cloud.delete_volume(volume.id)


async def test_detach_takes_the_volume_from_the_named_server_alone(subject: Subject) -> None:
    volume = await attached(subject, "pvc-a", subject.servers[0])
    with pytest.raises(base.NotAttached):
        await subject.cloud.detach(Place(volume.id, subject.servers[1]))
    place = Place(volume.id, subject.servers[0])
    await subject.ended(await subject.cloud.detach(place))
    assert (await subject.cloud.get_volume(volume.id)).server_ids == ()
    with pytest.raises(base.NotAttached):
        await subject.cloud.detach(place)
    await subject.cloud.delete_volume(volume.id)


async def test_a_server_and_a_volume_have_one_event_at_a_time(subject: Subject) -> None:
    first, second = [await subject.create(order(f"pvc-{name}")) for name in "ab"]
    action = await subject.cloud.attach(Place(first.id, subject.servers[0]), ())
    with pytest.raises(base.EventPending):
        await subject.cloud.attach(Place(second.id, subject.servers[0]), ())
    with pytest.raises(base.EventPending):
        await subject.cloud.attach(Place(first.id, subject.servers[1]), ())
    await subject.ended(action)
    await subject.cloud.attach(Place(second.id, subject.servers[0]), ())


async def test_a_server_is_full_at_its_limit(subject: Subject) -> None:
    for name in "ab":
        await attached(subject, f"pvc-{name}", subject.servers[0])
    third = await subject.create(order("pvc-c"))
    with pytest.raises(base.ServerFull):
        await subject.cloud.attach(Place(third.id, subject.servers[0]), ())


async def test_resize_grows_and_never_shrinks(subject: Subject) -> None:
    volume = await subject.create(order("pvc-a", 2))
    place = Place(volume.id, zone=ZONE)
    await subject.ended(await subject.cloud.resize(place, 5))
    assert (await subject.cloud.get_volume(volume.id)).size_bytes == 5 * sizes.GIB
    with pytest.raises(errors.Refused):
        await subject.cloud.resize(place, 4)


async def test_what_is_not_there_is_gone(subject: Subject) -> None:
    volume = await subject.create(order("pvc-a"))
    for work in (
        subject.cloud.get_volume(NO_ID),
        subject.cloud.delete_volume(NO_ID),
        subject.cloud.recent(NO_ID),
        subject.cloud.attach(Place(NO_ID, subject.servers[0]), ()),
        subject.cloud.attach(Place(volume.id, "999"), ()),
        subject.cloud.detach(Place(volume.id, "999")),
        subject.cloud.get_server("999"),
        snapshots_of(subject.cloud).get_snapshot(NO_ID),
        snapshots_of(subject.cloud).delete_snapshot(NO_ID),
        snapshots_of(subject.cloud).volume_snapshots(NO_ID),
        snapshots_of(subject.cloud).create_snapshot(NO_ID, "snap", ()),
        subject.create(order("pvc-b", 1, NO_ID)),
    ):
        with pytest.raises(base.Gone):
            await work


@pytest.mark.parametrize("odd", ["x", "106963404", "../x", "a/b", "a b?c#d", "%2e", "é"])
async def test_an_id_that_looks_odd_is_asked_for_and_is_gone(subject: Subject, odd: str) -> None:
    for work in (
        subject.cloud.get_volume(odd),
        subject.cloud.delete_volume(odd),
        subject.cloud.attach(Place(odd, subject.servers[0]), ()),
        subject.cloud.detach(Place(odd, subject.servers[0])),
        subject.cloud.recent(odd),
        snapshots_of(subject.cloud).get_snapshot(odd),
        snapshots_of(subject.cloud).delete_snapshot(odd),
    ):
        with pytest.raises(base.Gone):
            await work


async def test_a_snapshot_makes_a_volume_as_large_as_its_source(subject: Subject) -> None:
    source = await subject.create(order("pvc-a", 2))
    snapshot = await snapshots_of(subject.cloud).create_snapshot(source.id, "snap", ("a:b",))
    assert (snapshot.name, snapshot.volume_id, snapshot.min_size_bytes) == ("snap", source.id, 2 * sizes.GIB)
    assert snapshot.zones == (ZONE,)
    assert await snapshots_of(subject.cloud).get_snapshot(snapshot.id) == snapshot
    assert await snapshots_of(subject.cloud).volume_snapshots(source.id) == (snapshot,)
    assert (await snapshots_of(subject.cloud).list_snapshots(1)).items == (snapshot,)
    copy = await subject.create(order("pvc-b", 2, snapshot.id))
    assert (copy.size_bytes, copy.origin) == (2 * sizes.GIB, Source(snapshot_id=snapshot.id))
    await snapshots_of(subject.cloud).delete_snapshot(snapshot.id)
    assert await snapshots_of(subject.cloud).volume_snapshots(source.id) == ()


async def test_a_second_snapshot_at_once_is_too_soon(subject: Subject) -> None:
    source = await subject.create(order("pvc-a"))
    await snapshots_of(subject.cloud).create_snapshot(source.id, "snap-1", ())
    with pytest.raises(base.SnapshotLimit):
        await snapshots_of(subject.cloud).create_snapshot(source.id, "snap-2", ())


async def test_tags_come_and_go(subject: Subject) -> None:
    volume = await subject.create(order("pvc-a"))
    await subject.cloud.add_label(volume.id, "never-seen")
    await subject.cloud.add_label(volume.id, "never-seen")
    assert set((await subject.cloud.get_volume(volume.id)).labels) == {"a:b", "never-seen"}
    await subject.cloud.remove_label(volume.id, "never-seen")
    await subject.cloud.remove_label(volume.id, "unknown")
    assert (await subject.cloud.get_volume(volume.id)).labels == ("a:b",)


async def test_a_zone_has_volumes_or_not(subject: Subject) -> None:
    assert await subject.cloud.zone_has_volumes(ZONE)
    assert not await subject.cloud.zone_has_volumes("nowhere")
