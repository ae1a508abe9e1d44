"""What the driver relies on: the fake cloud and the embedded cloud answer the same."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from common import errors, sizes
from controller.cloud import base, cloud_errors, records
from controller.cloud.records import ActionState, Kind, Pending, Place
from controller.records import BLANK, Source
from controller.rules import names
from tests.contract.cloud.clouds import ACTION_SECONDS, SLOW_SECONDS, SUBJECTS, Subject

pytestmark = pytest.mark.asyncio
ODD = (".", "..", "x", "106963404", "../x", "a/b", "a b?c#d", "%2e", "é")


@pytest_asyncio.fixture(params=SUBJECTS.values(), ids=SUBJECTS)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with request.param(tmp_path / "state", ACTION_SECONDS) as found:
        yield found


@pytest_asyncio.fixture(params=SUBJECTS.values(), ids=SUBJECTS)
async def slow(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """One whose actions can be seen under way, also on a machine that is busy."""
    async with request.param(tmp_path / "state", SLOW_SECONDS) as found:
        yield found


@pytest.fixture
def snapshots(subject: Subject) -> base.SnapshotCloud:
    if subject.cloud.snapshots is None:
        pytest.skip("this cloud has no snapshots")
    return subject.cloud.snapshots


async def attached(subject: Subject, name: str, server_id: str) -> records.Volume:
    volume = await subject.create(subject.order(name))
    place = Place(volume.id, server_id)
    await subject.ended(await subject.cloud.attach(place, ()))
    return await subject.cloud.get_volume(volume.id)


async def test_a_volume_is_as_it_was_ordered(subject: Subject) -> None:
    made = await subject.create(subject.order("pvc-a", 2))
    assert (made.name, made.zone, made.size_bytes) == ("pvc-a", subject.zone, sizes.to_bytes(subject.gib(2)))
    assert (made.server_ids, made.labels, made.origin) == ((), subject.labels[:1], BLANK)
    assert await subject.cloud.get_volume(made.id) == made
    assert await subject.cloud.find_volume("pvc-a", subject.zone) == made
    assert await subject.cloud.find_volume("pvc", subject.zone) is None
    elsewhere = await subject.cloud.find_volume("pvc-a", subject.other_zone)
    assert elsewhere == (made if subject.names_span_zones else None)
    page = await subject.cloud.list_volumes(subject.zone, 1)
    assert (page.items, page.total, page.more) == ((made,), 1, False)


async def test_a_name_is_taken_once(subject: Subject) -> None:
    await subject.create(subject.order("pvc-a"))
    with pytest.raises(cloud_errors.NameTaken):
        await subject.create(subject.order("pvc-a", 1))


async def test_the_account_is_full_at_its_limit(subject: Subject) -> None:
    for number in range(4):
        await subject.create(subject.order(f"pvc-{number}"))
    with pytest.raises(cloud_errors.AccountFull):
        await subject.create(subject.order("pvc-more"))
    assert await subject.cloud.account() == records.Account(4)


async def test_attach_is_an_action_and_the_volume_follows_it(slow: Subject) -> None:
    volume = await slow.create(slow.order("pvc-a"))
    place = Place(volume.id, slow.servers[0])
    action = await slow.cloud.attach(place, slow.labels[1:2])
    assert action is not None
    assert (action.kind, action.volume_id, action.server_id) == (Kind.ATTACH, volume.id, place.server_id)
    assert (await slow.cloud.recent(volume.id))[0].state is ActionState.IN_PROGRESS
    ended = await slow.ended(action)
    assert ended is not None
    assert ended.state is ActionState.COMPLETED
    found = await slow.cloud.get_volume(volume.id)
    assert found.server_ids == (place.server_id,)
    assert set(found.labels) == set(slow.labels[:2])
    assert (await slow.cloud.get_server(slow.servers[0])).volume_ids == (volume.id,)


async def test_recent_actions_are_the_volumes_own_newest_first(subject: Subject) -> None:
    volume, other = [await attached(subject, f"pvc-{name}", subject.servers[0]) for name in "ab"]
    detach = await subject.cloud.detach(Place(volume.id, subject.servers[0]))
    await subject.ended(detach)
    recent = await subject.cloud.recent(volume.id)
    assert [each.action.kind for each in recent[:2]] == [Kind.DETACH, Kind.ATTACH]
    assert {each.action.volume_id for each in recent} == {volume.id}
    assert recent[0].action.id == (detach and detach.id)
    assert (await subject.cloud.recent(other.id))[0].action.kind is Kind.ATTACH


async def test_progress_tells_of_several_actions_and_of_one_that_the_cloud_does_not_know(subject: Subject) -> None:
    volumes = [await subject.create(subject.order(f"pvc-{name}")) for name in "ab"]
    places = [Place(volume.id, server) for volume, server in zip(volumes, subject.servers, strict=True)]
    actions = [action for place in places if (action := await subject.cloud.attach(place, ()))]
    told = await subject.cloud.progress(actions[:1], actions[1:])
    assert actions[0].id in {each.action.id for each in told}
    for action in actions:
        await subject.ended(action)
    unknown = Pending(str(1 << 40), Kind.ATTACH, volumes[0].id)
    assert [each.state for each in await subject.cloud.progress([unknown])] == [ActionState.FORGOTTEN]


async def test_an_action_is_found_by_its_id_though_its_volume_is_not_known(subject: Subject) -> None:
    volume = await subject.create(subject.order("pvc-a"))
    action = await subject.cloud.attach(Place(volume.id, subject.servers[0]), ())
    assert action is not None
    ended = await subject.ended(replace(action, volume_id=""))
    assert ended is not None
    assert ended.state is ActionState.COMPLETED


async def test_what_blocks_a_volume_is_told_and_then_is_over(slow: Subject) -> None:
    volume = await slow.create(slow.order("pvc-a"))
    place = Place(volume.id, slow.servers[0])
    assert await slow.cloud.blocking(place) is None
    action = await slow.cloud.attach(place, ())
    blocking = await slow.cloud.blocking(place)
    assert (blocking and blocking.id) == (action and action.id)
    await slow.ended(action)
    assert await slow.cloud.blocking(place) is None


async def test_changes_since_the_last_answer_are_told_once(subject: Subject) -> None:
    volume = await attached(subject, "pvc-a", subject.servers[0])
    before = await subject.cloud.changes("")
    if before is None:
        pytest.skip("this cloud cannot tell what has changed")
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
        with pytest.raises(cloud_errors.AlreadyAttached):
            await subject.cloud.attach(Place(volume.id, server_id), ())
    with pytest.raises(cloud_errors.InUse):
        await subject.cloud.delete_volume(volume.id)


async def test_detach_takes_the_volume_from_the_named_server_alone(subject: Subject) -> None:
    volume = await attached(subject, "pvc-a", subject.servers[0])
    with pytest.raises(cloud_errors.NotAttached):
        await subject.cloud.detach(Place(volume.id, subject.servers[1]))
    place = Place(volume.id, subject.servers[0])
    await subject.ended(await subject.cloud.detach(place))
    assert (await subject.cloud.get_volume(volume.id)).server_ids == ()
    with pytest.raises(cloud_errors.NotAttached):
        await subject.cloud.detach(place)
    await subject.cloud.delete_volume(volume.id)


async def test_a_server_and_a_volume_have_one_event_at_a_time(slow: Subject) -> None:
    first, second = [await slow.create(slow.order(f"pvc-{name}")) for name in "ab"]
    action = await slow.cloud.attach(Place(first.id, slow.servers[0]), ())
    if slow.cloud.traits.one_action_per_server:
        with pytest.raises(cloud_errors.EventPending):
            await slow.cloud.attach(Place(second.id, slow.servers[0]), ())
    with pytest.raises(cloud_errors.EventPending):
        await slow.cloud.attach(Place(first.id, slow.servers[1]), ())
    await slow.ended(action)
    await slow.cloud.attach(Place(second.id, slow.servers[0]), ())


async def test_a_server_is_full_at_its_limit(subject: Subject) -> None:
    for name in "ab":
        await attached(subject, f"pvc-{name}", subject.servers[0])
    third = await subject.create(subject.order("pvc-c"))
    with pytest.raises(cloud_errors.ServerFull):
        await subject.cloud.attach(Place(third.id, subject.servers[0]), ())


async def test_resize_grows_and_never_shrinks(subject: Subject) -> None:
    volume = await subject.create(subject.order("pvc-a", 1))
    place = Place(volume.id, zone=subject.zone)
    await subject.ended(await subject.cloud.resize(place, subject.gib(4)))
    assert (await subject.cloud.get_volume(volume.id)).size_bytes == sizes.to_bytes(subject.gib(4))
    with pytest.raises(errors.Refused):
        await subject.cloud.resize(place, subject.gib(3))


async def test_what_is_not_there_is_gone(subject: Subject) -> None:
    volume = await subject.create(subject.order("pvc-a"))
    for work in (
        subject.cloud.get_volume(subject.no_id),
        subject.cloud.delete_volume(subject.no_id),
        subject.cloud.recent(subject.no_id),
        subject.cloud.attach(Place(subject.no_id, subject.servers[0]), ()),
        subject.cloud.attach(Place(volume.id, subject.no_server), ()),
        subject.cloud.detach(Place(volume.id, subject.no_server)),
        subject.cloud.get_server(subject.no_server),
    ):
        with pytest.raises(cloud_errors.Gone):
            await work


@pytest.mark.parametrize("odd", ODD)
async def test_nothing_has_an_id_that_looks_odd(subject: Subject, odd: str) -> None:
    for work in (
        subject.cloud.get_volume(odd),
        subject.cloud.delete_volume(odd),
        subject.cloud.attach(Place(odd, subject.servers[0]), ()),
        subject.cloud.detach(Place(odd, subject.servers[0])),
        subject.cloud.recent(odd),
    ):
        with pytest.raises(cloud_errors.Gone):
            await work


async def test_a_snapshot_that_is_not_there_is_gone(subject: Subject, snapshots: base.SnapshotCloud) -> None:
    for work in (
        *(snapshots.get_snapshot(each) for each in (subject.no_id, *ODD)),
        *(snapshots.delete_snapshot(each) for each in (subject.no_id, *ODD)),
        snapshots.volume_snapshots(subject.no_id),
        snapshots.create_snapshot(subject.no_id, "snap", ()),
        subject.create(subject.order("pvc-b", 0, subject.no_id)),
    ):
        with pytest.raises(cloud_errors.Gone):
            await work


async def test_a_snapshot_makes_a_volume_as_large_as_its_source(
    subject: Subject, snapshots: base.SnapshotCloud
) -> None:
    source = await subject.create(subject.order("pvc-a", 1))
    snapshot = await snapshots.create_snapshot(source.id, "snap", subject.labels[:1])
    assert (snapshot.name, snapshot.volume_id, snapshot.min_size_bytes) == (
        "snap",
        source.id,
        sizes.to_bytes(subject.gib(1)),
    )
    assert snapshot.zones == (subject.zone,)
    assert await snapshots.get_snapshot(snapshot.id) == snapshot
    assert await snapshots.volume_snapshots(source.id) == (snapshot,)
    assert (await snapshots.list_snapshots(1)).items == (snapshot,)
    copy = await subject.create(subject.order("pvc-b", 1, snapshot.id))
    assert (copy.size_bytes, copy.origin) == (sizes.to_bytes(subject.gib(1)), Source(snapshot_id=snapshot.id))
    await snapshots.delete_snapshot(snapshot.id)
    assert await snapshots.volume_snapshots(source.id) == ()


async def test_a_second_snapshot_at_once_is_too_soon(subject: Subject, snapshots: base.SnapshotCloud) -> None:
    source = await subject.create(subject.order("pvc-a"))
    await snapshots.create_snapshot(source.id, "snap-1", ())
    with pytest.raises(cloud_errors.SnapshotLimit):
        await snapshots.create_snapshot(source.id, "snap-2", ())


async def test_tags_come_and_go(subject: Subject) -> None:
    volume = await subject.create(subject.order("pvc-a"))
    await subject.cloud.add_label(volume.id, subject.labels[2])
    await subject.cloud.add_label(volume.id, subject.labels[2])
    assert set((await subject.cloud.get_volume(volume.id)).labels) == {subject.labels[0], subject.labels[2]}
    await subject.cloud.remove_label(volume.id, subject.labels[2])
    await subject.cloud.remove_label(volume.id, "unknown")
    assert (await subject.cloud.get_volume(volume.id)).labels == subject.labels[:1]


async def test_what_the_traits_tell_is_so(subject: Subject) -> None:
    traits = subject.cloud.traits
    assert (traits.snapshots is None) == (subject.cloud.snapshots is None)
    assert all(map(traits.labels.accepts, subject.labels))
    assert traits.names.accepts(names.cloud_name("Not a NAME of any cloud", "volume", traits.names))
    assert traits.sizes.smallest <= traits.sizes.default <= traits.sizes.largest


async def test_a_zone_has_volumes_or_not(subject: Subject) -> None:
    assert await subject.cloud.zone_has_volumes(subject.zone)
    assert not await subject.cloud.zone_has_volumes("nowhere")
