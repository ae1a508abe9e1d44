"""Whatever befalls the requests, whoever leaves, whenever the process dies: what always holds."""

import asyncio
from collections.abc import Coroutine
from typing import ClassVar

import looptime
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common import errors
from controller.cloud.records import Kind
from tests.fakes.cloud import SERVERS, FakeCloud, Fault
from tests.unit.controller.world import World, within

NAMES = st.sampled_from(["pvc-a", "pvc-b", "pvc-c"])
HOLDERS = st.sampled_from(SERVERS)
FAULTS = st.lists(st.sampled_from(list(Fault)), max_size=3)
SECONDS = st.sampled_from([0.05, 1.0, 5.0, 30.0])


class VolumeLife(RuleBasedStateMachine):
    """Calls with faults, one at a time or many at once, on a cloud that forgets nothing."""

    make_cloud: ClassVar[type[FakeCloud]] = FakeCloud

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0))
        self.cloud = self.make_cloud(action_seconds=1.5)
        self.world = World(self.cloud)
        self.named: set[tuple[str, str]] = set()

    def run(self, work: Coroutine[object, object, object]) -> object:
        return self.runner.run(work)

    def ask(self, seconds: float, faults: list[Fault], work: Coroutine[object, object, object]) -> object:
        """Make one call; return its answer or its error."""
        self.cloud.faults.extend(faults)
        answer = self.run(self.answered(seconds, work))
        self.cloud.faults.clear()
        return answer

    async def answered(self, seconds: float, work: Coroutine[object, object, object]) -> object:
        try:
            async with asyncio.timeout(seconds):  # as the server ends a call at its deadline
                return await within(seconds, work)
        except errors.DriverError as error:
            return error
        except TimeoutError:
            return errors.DeadlineExceeded("ended by the server")

    async def id_of(self, name: str) -> str:
        return next((each.id for each in self.cloud.volumes.values() if each.name == name), "")

    @rule(name=NAMES, seconds=SECONDS, faults=FAULTS)
    def create(self, name: str, seconds: float, faults: list[Fault]) -> None:
        answer = self.ask(seconds, faults, self.world.create(name))
        assert isinstance(answer, errors.NotFinal) or answer in self.cloud.volumes

    @rule(name=NAMES, server=HOLDERS, seconds=SECONDS, faults=FAULTS)
    def publish(self, name: str, server: str, seconds: float, faults: list[Fault]) -> None:
        volume_id = self.run(self.id_of(name))
        if isinstance(volume_id, str) and volume_id:
            answer = self.ask(seconds, faults, self.world.publish(volume_id, server))
            if answer == name:
                assert self.run(self.holders(volume_id)) == (server,)
            else:
                assert isinstance(answer, (errors.NotFinal, errors.FailedPrecondition))

    @rule(name=NAMES, server=HOLDERS, seconds=SECONDS, faults=FAULTS)
    def unpublish(self, name: str, server: str, seconds: float, faults: list[Fault]) -> None:
        volume_id = self.run(self.id_of(name))
        if isinstance(volume_id, str) and volume_id:
            self.named.add((volume_id, server))
            answer = self.ask(seconds, faults, self.world.unpublish(volume_id, server))
            if answer is None:
                holders = self.run(self.holders(volume_id))
                assert isinstance(holders, tuple)
                assert server not in holders
            else:
                assert isinstance(answer, errors.NotFinal)

    @rule(name=NAMES, seconds=SECONDS, faults=FAULTS)
    def delete(self, name: str, seconds: float, faults: list[Fault]) -> None:
        volume_id = self.run(self.id_of(name))
        if isinstance(volume_id, str) and volume_id:
            answer = self.ask(seconds, faults, self.world.volumes.delete(volume_id))
            if answer is None:
                assert volume_id not in self.cloud.volumes
            else:
                assert isinstance(answer, (errors.NotFinal, errors.FailedPrecondition))

    @rule(server=HOLDERS, seconds=SECONDS, faults=FAULTS)
    def publish_all_at_once(self, server: str, seconds: float, faults: list[Fault]) -> None:
        ids = [each.id for each in self.cloud.volumes.values()]
        self.ask(seconds, faults, self.together([self.world.publish(each, server) for each in ids]))

    async def together(self, calls: list[Coroutine[object, object, str]]) -> None:
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(each, (str, errors.DriverError)) for each in answers), answers

    @rule(name=NAMES, server=HOLDERS, after=st.floats(0, 3))
    def publish_and_leave(self, name: str, server: str, after: float) -> None:
        volume_id = self.run(self.id_of(name))
        if isinstance(volume_id, str) and volume_id:
            self.run(self.cancelled(self.world.publish(volume_id, server), after))

    async def cancelled(self, work: Coroutine[object, object, object], after: float) -> None:
        task = asyncio.get_running_loop().create_task(work)
        await asyncio.sleep(after)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    @rule()
    def die_and_start_anew(self) -> None:
        self.run(self.world.tasks.settle(120))
        self.world = World(self.cloud)

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0, 100.0]))
    def pass_time(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(seconds=st.sampled_from([0.0, 3.0]))
    def lists_come_late(self, seconds: float) -> None:
        self.cloud.stale_for = seconds

    @rule(name=NAMES, server=HOLDERS)
    def somebody_else_detaches(self, name: str, server: str) -> None:
        volume_id = self.run(self.id_of(name))
        if isinstance(volume_id, str) and volume_id and self.run(self.holders(volume_id)) == (server,):
            self.run(self.detach_out_of_band(volume_id))

    async def detach_out_of_band(self, volume_id: str) -> None:
        if not any(each.volume_id == volume_id and not each.progress.ended for each in self.cloud.actions.values()):
            self.cloud.move(volume_id, ())

    @rule(name=NAMES, server=HOLDERS)
    def the_next_action_fails(self, name: str, server: str) -> None:
        del name, server
        self.cloud.next_action_fails = True

    async def holders(self, volume_id: str) -> tuple[str, ...]:
        return self.cloud.holders(volume_id)

    @invariant()
    def a_name_has_one_volume(self) -> None:
        names = [volume.name for volume in self.cloud.volumes.values()]
        assert len(names) == len(set(names))

    @invariant()
    def nothing_is_detached_from_a_server_that_nobody_named(self) -> None:
        detached = {(each.volume_id, each.server_id) for each in self.cloud.effects if each.kind == Kind.DETACH.value}
        assert detached <= self.named

    def teardown(self) -> None:
        """Once the faults end, every name leads to its volume, and everything can be taken down."""
        self.cloud.next_action_fails = False
        self.cloud.faults.clear()
        self.cloud.stale_for = 0.0
        self.run(self.take_down())
        self.runner.close()
        assert not self.cloud.volumes
        super().teardown()

    async def take_down(self) -> None:
        await self.world.tasks.settle(120)
        assert len(self.world.parts.locks) == 0
        await asyncio.sleep(100)
        for name in ("pvc-a", "pvc-b", "pvc-c"):
            volume_id = await self.world.create(name)
            for holder in self.cloud.holders(volume_id):
                await self.world.unpublish(volume_id, holder)
            await self.world.volumes.delete(volume_id)
        await self.world.tasks.close()


TestVolumeLife = VolumeLife.TestCase
TestVolumeLife.settings = LIFE = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
