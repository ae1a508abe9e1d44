import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from common import errors
from common.context_keys import volume_name_key, volume_size_key
from controller.attachments import FRESH_SECONDS
from controller.cloud.cloud_errors import Gone, NotAttached
from controller.cloud.records import Kind, Page, Pending, Place, Progress
from controller.records import Resize, Size
from csi_proto.csi import v1 as csi
from tests.fakes.cloud import Effect, FakeCloud, Fault
from tests.unit.controller.world import DRIVER, NO_UUID, SCARCE, World, capability, within

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_attach_of_a_known_volume_is_one_change_and_one_look_at_the_action() -> None:
    world = World()
    volume = await world.create()
    world.cloud.requests.clear()
    assert await world.publish(volume, "101") == "pvc-a"
    assert world.cloud.count()["attach"] == 1
    assert set(world.cloud.requests) == {"attach", "get_action"}
    assert world.cloud.holders(volume) == ("101",)


async def test_a_whole_life_costs_six_requests_while_requests_are_dear() -> None:
    world = World(left=SCARCE)
    for number in range(12):
        world.cloud.requests.clear()
        volume = await world.create(f"pvc-{number}")
        await world.publish(volume, "101")
        await world.unpublish(volume, "101")
        await world.volumes.delete(volume)
    assert world.cloud.requests == ["create_volume", "attach", "get_action", "detach", "get_action", "delete_volume"]


async def test_an_attach_that_is_asked_for_again_costs_one_look_at_once_and_two_later() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    world.cloud.requests.clear()
    assert await world.publish(volume, "101") == "pvc-a"
    assert world.cloud.requests == ["volume_actions"]
    await asyncio.sleep(FRESH_SECONDS)
    assert await world.publish(volume, "101") == "pvc-a"
    assert world.cloud.requests == ["volume_actions", "get_volume", "volume_actions"]


async def test_an_attach_after_a_detach_whose_caller_has_left_is_done_again() -> None:
    world = World(FakeCloud(latency=0.2))
    volume = await world.create()
    await world.publish(volume, "101")
    world.cloud.faults.append(Fault.LOST_REPLY)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.unpublish(volume, "101"), 0.3)
    await world.publish(volume, "101")
    assert world.cloud.holders(volume) == ("101",)
    assert [each.kind for each in world.cloud.effects] == ["create", "attach", "detach", "attach"]


async def test_attach_to_a_second_server_is_refused_and_names_the_first() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    with pytest.raises(errors.FailedPrecondition, match="101"):
        await world.publish(volume, "102")
    assert world.cloud.holders(volume) == ("101",)


async def test_a_restarted_controller_also_refuses_the_second_server() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    with pytest.raises(errors.FailedPrecondition, match="101"):
        await World(world.cloud).publish(volume, "102")
    assert world.cloud.holders(volume) == ("101",)


async def test_an_attachment_made_by_somebody_else_is_published_as_it_is() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-old", server_id="101")
    assert await world.publish(volume.id, "101") == "pvc-old"
    assert world.cloud.count()["attach"] == 0


async def test_detach_leaves_a_volume_alone_that_another_server_holds() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a", server_id="102")
    await world.unpublish(volume.id, "101")
    assert world.cloud.holders(volume.id) == ("102",)
    assert Effect("detach", volume.id, "102") not in world.cloud.effects


@pytest.mark.parametrize("fault", [Fault.LOST_REPLY, Fault.NO_EFFECT])
async def test_detach_ends_well_whatever_befalls_its_request(fault: Fault) -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    world.cloud.faults.append(fault)
    if fault is Fault.NO_EFFECT:
        with pytest.raises(errors.NotFinal):
            await world.unpublish(volume, "101")
    await world.unpublish(volume, "101")
    assert world.cloud.holders(volume) == ()
    assert world.cloud.effects.count(Effect("detach", volume, "101")) == 1


async def test_an_attach_whose_reply_was_lost_is_joined_not_repeated() -> None:
    world = World()
    volume = await world.create()
    world.cloud.faults.append(Fault.LOST_REPLY)
    await world.publish(volume, "101")
    assert world.cloud.count()["attach"] == 1
    assert world.cloud.holders(volume) == ("101",)


async def test_a_caller_that_leaves_is_followed_by_one_that_joins_the_same_action() -> None:
    world = World(FakeCloud(action_seconds=60))
    volume = await world.create()
    with pytest.raises(errors.DeadlineExceeded):
        await within(10, world.publish(volume, "101"))
    with pytest.raises(errors.DeadlineExceeded):
        await within(10, world.publish(volume, "101"))
    assert await within(60, world.publish(volume, "101")) == "pvc-a"
    assert world.cloud.count()["attach"] == 1


async def test_a_cancelled_attach_still_learns_its_reply() -> None:
    world = World()
    volume = await world.create()
    task = asyncio.get_running_loop().create_task(world.publish(volume, "101"))
    await asyncio.sleep(0.04)  # the request is under way
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(errors.Busy):
        await world.publish(volume, "101")
    await asyncio.sleep(0.1)
    assert await world.publish(volume, "101") == "pvc-a"
    assert world.cloud.count()["attach"] == 1


async def test_detach_waits_for_the_attach_that_is_under_way() -> None:
    world = World()
    volume = await world.create()
    with pytest.raises(errors.DeadlineExceeded):
        await within(0.5, world.publish(volume, "101"))
    await world.unpublish(volume, "101")
    assert world.cloud.holders(volume) == ()
    assert [each.kind for each in world.cloud.effects] == ["create", "attach", "detach"]


async def test_an_unknown_server_is_named_and_the_volume_is_not() -> None:
    world = World()
    volume = await world.create()
    with pytest.raises(errors.NotFound, match="node 999"):
        await world.publish(volume, "999")


async def test_an_unknown_volume_is_named() -> None:
    with pytest.raises(errors.NotFound, match=NO_UUID):
        await World().publish(NO_UUID, "101")


async def test_detach_of_a_volume_or_from_a_server_that_is_gone_is_done() -> None:
    world = World()
    await world.unpublish(NO_UUID, "101")
    volume = await world.create()
    await world.publish(volume, "101")
    del world.cloud.servers["101"]
    world.cloud.move(volume, ())
    await world.unpublish(volume, "101")


async def test_a_full_server_is_a_limit_that_is_told_as_such() -> None:
    world = World()
    world.cloud.server_limit = 0
    volume = await world.create()
    with pytest.raises(errors.ResourceExhausted):
        await world.publish(volume, "101")


async def test_a_failed_action_is_not_final_and_the_next_call_starts_another() -> None:
    world = World()
    volume = await world.create()
    world.cloud.next_action_fails = True
    with pytest.raises(errors.NotFinal, match="user_action_required"):
        await world.publish(volume, "101")
    await world.publish(volume, "101")
    assert world.cloud.holders(volume) == ("101",)


async def test_an_event_of_somebody_else_is_waited_for() -> None:
    world = World()
    volume = await world.create()
    world.cloud.occupy("101", 7)
    await world.publish(volume, "101")
    assert world.cloud.holders(volume) == ("101",)
    assert world.cloud.count()["attach"] <= 9


async def test_an_action_of_another_controller_on_the_volume_is_joined() -> None:
    world, other = World(FakeCloud(action_seconds=5)), None
    volume = await world.create()
    with pytest.raises(errors.DeadlineExceeded):
        await within(1, world.publish(volume, "101"))
    other = World(world.cloud)
    assert await other.publish(volume, "101") == "pvc-a"
    assert world.cloud.effects.count(Effect(Kind.ATTACH.value, volume, "101")) == 1


async def test_fifteen_attaches_to_one_server_take_their_turns_and_none_is_refused_while_requests_are_dear() -> None:
    world = World(left=SCARCE)
    volumes = [await world.create(f"pvc-{number}") for number in range(15)]
    start = asyncio.get_running_loop().time()
    await asyncio.gather(*(world.publish(volume, "101") for volume in volumes))
    took = asyncio.get_running_loop().time() - start
    assert all(world.cloud.holders(volume) == ("101",) for volume in volumes)
    assert world.cloud.count()["attach"] == 15
    assert took <= 1.15 * 15 * (world.cloud.action_seconds + world.cloud.latency)


async def test_detach_goes_before_the_attaches_that_wait_for_the_same_server() -> None:
    world = World()
    first = await world.create("pvc-first")
    await world.publish(first, "101")
    waiting = [await world.create(f"pvc-{number}") for number in range(3)]
    attaches = [asyncio.get_running_loop().create_task(world.publish(each, "101")) for each in waiting]
    await asyncio.sleep(0.01)
    await world.unpublish(first, "101")
    await asyncio.gather(*attaches)
    assert [(each.kind, each.volume_id) for each in world.cloud.effects if each.server_id][1:3] == [
        ("attach", waiting[0]),
        ("detach", first),
    ]


async def test_a_turn_that_does_not_come_in_time_is_not_final_and_frees_its_place() -> None:
    world = World(FakeCloud(action_seconds=30))
    volumes = [await world.create(f"pvc-{number}") for number in range(3)]
    calls = (within(20, world.publish(volume, "101")) for volume in volumes)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, errors.DeadlineExceeded) for each in answers)
    assert not any(world.cloud.holders(volume) for volume in volumes[1:])
    await asyncio.sleep(15)
    await within(100, world.publish(volumes[2], "101"))
    assert world.cloud.holders(volumes[2]) == ("101",)


async def test_without_a_node_the_volume_is_detached_from_whatever_holds_it() -> None:
    world = World()
    volume = world.cloud.make_volume("pvc-a", server_id="102")
    await world.unpublish(volume.id, None)
    assert world.cloud.holders(volume.id) == ()


async def test_the_attach_request_puts_the_clusters_tags_on_a_volume_without_them() -> None:
    world = World(tags=("k8s:one",))
    volume = world.cloud.make_volume("pvc-old")
    await world.publish(volume.id, "101")
    assert world.cloud.volumes[volume.id].labels == ("k8s:one",)
    assert world.cloud.count()["add_label"] == 0


async def test_a_clusters_tag_that_the_cloud_keeps_in_another_case_is_not_put_on_again() -> None:
    world = World(tags=("k8s:one",))
    volume = world.cloud.make_volume("pvc-old")
    world.cloud.volumes[volume.id] = replace(volume, labels=("K8s:One",))
    await World(world.cloud).volumes.get(volume.id)
    await world.volumes.get(volume.id)
    await world.publish(volume.id, "101")
    assert world.cloud.volumes[volume.id].labels == ("K8s:One",)


async def test_no_second_start_is_sent_while_the_first_is_unanswered_though_its_caller_has_left() -> None:
    world = World(FakeCloud(latency=2))
    first, second = [await world.create(f"pvc-{name}") for name in "ab"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):  # as the server ends a call at its deadline
            await world.publish(first, "101")
    await world.publish(second, "101")
    assert world.cloud.count()["attach"] == 2
    assert world.cloud.holders(first) == ("101",)


async def test_a_detach_that_is_asked_for_again_costs_a_look_and_no_refusal() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    await world.unpublish(volume, "101")
    world.cloud.requests.clear()
    await world.unpublish(volume, "101")
    assert world.cloud.requests == ["volume_actions"]


async def test_a_detach_after_an_attach_whose_fate_is_unknown_does_not_trust_a_look() -> None:
    world = World()
    volume = await world.create()
    await world.publish(volume, "101")
    await world.unpublish(volume, "101")
    world.cloud.faults.extend([Fault.LOST_REPLY, Fault.NO_EFFECT])
    with pytest.raises(errors.NotFinal):
        await world.publish(volume, "101")
    await world.unpublish(volume, "101")
    await asyncio.sleep(60)
    assert world.cloud.holders(volume) == ()


class Blunt(FakeCloud):
    """It says "not attached" even while an attach is under way, as long as the volume does not show it."""

    async def detach(self, place: Place) -> Pending | None:
        if place.server_id not in self.holders(place.volume_id):
            self.requests.append("detach")
            raise NotAttached("Attachment not found")
        return await super().detach(place)


async def test_a_detach_after_a_restart_waits_for_the_attach_that_the_process_before_has_begun() -> None:
    world = World(Blunt(action_seconds=20))
    volume = await world.create()
    with capture_logs() as lines:
        with pytest.raises(errors.DeadlineExceeded):
            await within(1, world.publish(volume, "101"))
        restarted = World(world.cloud)
        with pytest.raises(errors.NotFinal):  # the attach has taken effect: it is not detached yet
            await restarted.unpublish(volume, "101")
        await restarted.unpublish(volume, "101")
    assert [f"{line['event']} {line['kind']}" for line in lines if line["event"].startswith("action_")] == [
        *("action_begins attach", "action_found attach", "action_ends attach"),
        *("action_begins detach", "action_ends detach"),
    ]
    assert world.cloud.holders(volume) == ()
    assert [each.kind for each in world.cloud.effects] == ["create", "attach", "detach"]


async def test_a_detach_whose_reply_was_lost_waits_for_it_though_the_volume_shows_nothing_of_it() -> None:
    world = World(FakeCloud(action_seconds=20))
    volume = await world.create()
    await world.publish(volume, "101")
    world.cloud.faults.append(Fault.LOST_REPLY)
    await world.unpublish(volume, "101")
    assert world.cloud.holders(volume) == ()
    assert world.cloud.effects.count(Effect("detach", volume, "101")) == 1


class Telling(FakeCloud):
    """Its account's actions tell the server, as those of another volume do; ``forgets`` it when one is asked for."""

    forgets = False

    async def account_actions(self, page: int) -> Page[Progress]:
        found = await super().account_actions(page)
        return replace(found, items=tuple(self.actions[each.action.id].progress for each in found.items))

    async def get_action(self, volume_id: str, action_id: str) -> Progress:
        if self.forgets and not volume_id:
            self.requests.append("get_action")
            raise Gone(f"no action {action_id}")
        return await super().get_action(volume_id, action_id)


@pytest.mark.parametrize("forgets", [False, True])
async def test_another_volumes_action_on_the_server_is_waited_for_whatever_the_cloud_knows_of_it(
    *, forgets: bool
) -> None:
    cloud = Telling(action_seconds=5)
    cloud.forgets = forgets
    world, other = World(cloud), World(cloud)
    first, second = [await world.create(f"pvc-{name}") for name in "ab"]
    with pytest.raises(errors.DeadlineExceeded):
        await within(0.5, other.publish(first, "101"))
    await world.publish(second, "101")
    assert world.cloud.holders(second) == ("101",)
    assert "account_actions" in world.cloud.requests
    assert forgets or world.cloud.count()["attach"] == 3  # the first volume's, one that met it, one that did not


async def test_a_confirmed_attach_is_followed_by_a_look_at_the_volume() -> None:
    world = World(confirm=True)
    volume = await world.create()
    await world.publish(volume, "101")
    assert world.cloud.requests[-1] == "get_volume"


async def made(world: World, name: str) -> csi.Volume:
    wanted = csi.CreateVolumeRequest(name=name, volume_capabilities=[capability()])
    volume = (await world.service.create_volume(wanted)).volume
    assert volume is not None
    return volume


async def published(
    world: World, volume: csi.Volume, context: dict[str, str], server_id: str = "101"
) -> dict[str, str]:
    message = csi.ControllerPublishVolumeRequest(
        volume_id=volume.volume_id,
        node_id=server_id,
        volume_capability=capability(),
        volume_context=context,
    )
    return dict((await world.service.controller_publish_volume(message)).publish_context)


async def test_another_process_attaches_and_a_third_detaches_without_a_look_at_the_volume() -> None:
    cloud = FakeCloud()
    volume = await made(World(cloud), "pvc-a")
    cloud.requests.clear()
    told = await published(World(cloud, left=SCARCE), volume, volume.volume_context)
    await World(cloud, left=SCARCE).unpublish(volume.volume_id, "101")
    assert told == {volume_name_key(DRIVER): "pvc-a", volume_size_key(DRIVER): str(16 << 30)}
    assert cloud.requests == ["attach", "get_action", "detach", "get_action"]
    assert [each.kind for each in cloud.effects] == ["create", "attach", "detach"]


async def test_an_attach_that_is_asked_for_again_where_the_volume_was_not_made_costs_the_same_looks() -> None:
    cloud = FakeCloud()
    volume = await made(World(cloud), "pvc-a")
    world = World(cloud)
    told = await published(world, volume, volume.volume_context)
    cloud.requests.clear()
    assert await published(world, volume, volume.volume_context) == told
    assert cloud.requests == ["volume_actions"]
    await asyncio.sleep(FRESH_SECONDS)
    assert await published(world, volume, volume.volume_context) == told
    assert cloud.requests == ["volume_actions", "get_volume", "volume_actions"]


async def test_a_context_of_another_volume_is_not_believed_and_the_node_learns_the_right_name() -> None:
    cloud = FakeCloud()
    maker = World(cloud)
    volume, other = await made(maker, "pvc-a"), await made(maker, "pvc-b")
    told = await published(World(cloud), volume, other.volume_context)
    assert told[volume_name_key(DRIVER)] == "pvc-a"
    assert cloud.holders(other.volume_id) == ()


async def test_a_volume_that_is_introduced_and_held_elsewhere_is_refused_by_the_cloud_s_word() -> None:
    cloud = FakeCloud()
    volume = await made(World(cloud), "pvc-a")
    await published(World(cloud), volume, volume.volume_context, "102")
    with pytest.raises(errors.FailedPrecondition, match="102"):
        await published(World(cloud), volume, volume.volume_context, "101")
    told = await published(World(cloud), volume, volume.volume_context, "102")
    assert told[volume_name_key(DRIVER)] == "pvc-a"
    assert cloud.holders(volume.volume_id) == ("102",)


async def test_a_volume_that_is_introduced_and_gone_is_not_found() -> None:
    cloud = FakeCloud()
    maker = World(cloud)
    volume = await made(maker, "pvc-a")
    await maker.volumes.delete(volume.volume_id)
    with pytest.raises(errors.NotFound, match=volume.volume_id):
        await published(World(cloud), volume, volume.volume_context)


async def test_what_was_seen_since_counts_more_than_what_the_context_tells() -> None:
    cloud = FakeCloud()
    volume, world = await made(World(cloud), "pvc-a"), World(cloud)
    await world.volumes.expand(Resize(volume.volume_id, Size(20 << 30), None))
    told = await published(world, volume, volume.volume_context)
    assert told[volume_size_key(DRIVER)] == str(20 << 30)


async def test_a_volume_that_has_another_name_than_before_is_attached_nowhere() -> None:
    cloud = FakeCloud()
    volume = await made(World(cloud), "pvc-a")
    cloud.volumes[volume.volume_id] = replace(cloud.volumes[volume.volume_id], name="pvc-of-another")
    world = World(cloud)
    await world.work.volumes.get(volume.volume_id)
    with pytest.raises(errors.NotFinal, match="made as pvc-a"):
        await published(world, volume, volume.volume_context)
    cloud.volumes[volume.volume_id] = replace(cloud.volumes[volume.volume_id], name="pvc-a")
    with pytest.raises(errors.OutcomeUnknown, match=r"pvc-of-another .* before, and is pvc-a"):
        await world.work.volumes.get(volume.volume_id)
    await published(world, volume, volume.volume_context)
    assert cloud.holders(volume.volume_id) == ("101",)
