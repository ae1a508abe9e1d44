"""One run: the cloud, the hosts, the driver's processes, the sidecars and the users of a seed, put together."""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from contextvars import Context
from typing import TypeVar

from betterproto2 import Message
from grpclib.const import Status

from common.server import LOST_CLIENT_SECONDS
from controller.shared import SharedParts
from csi_proto.csi import v1 as csi
from tests.fakes.host.disks import Disk
from tests.fakes.host.host import SimHost
from tests.faults import truth
from tests.faults.cloud.api import Api
from tests.faults.cloud.other import OtherCloud, OtherState
from tests.faults.cloud.records import Snapshot, Volume
from tests.faults.cloud.state import CloudState
from tests.faults.cloud.wire import OTHER_TOKEN, TOKEN, Limit, Wire
from tests.faults.cluster.control import AttachDetach
from tests.faults.cluster.kubelet import PodLife, Staging
from tests.faults.cluster.objects import Pod, Store
from tests.faults.cluster.others import Others
from tests.faults.cluster.sidecar import Sidecar
from tests.faults.cluster.sidecars import Attacher, Provisioner, Resizer, Snapshotter
from tests.faults.cluster.users import Users
from tests.faults.invariants import Checks
from tests.faults.plan import Fault, Plan
from tests.faults.sim import drivers
from tests.faults.sim.bell import Bell
from tests.faults.sim.injector import Injector
from tests.faults.sim.loop import Process, sleep
from tests.faults.sim.rpc import Failed, Served
from tests.faults.sim.trace import Broken, Trace
from tests.faults.thrift import Thrift
from tools.csi.client import ROUTES

Reply = TypeVar("Reply", bound=Message)
Result = TypeVar("Result")

EPOCH = 1_767_225_600.0  # 2026-01-01
REPLICAS = 2
LEASE_SECONDS = 10.0  # until the lease of a sidecar that was stopped goes to another one, at least
CLOSED_SECONDS = 150.0  # nobody's word holds the driver back for longer
LIE_SECONDS = 120.0
FEW_REQUESTS = 8  # in a minute
SIDECARS: dict[str, type[Sidecar]] = {
    "provisioner": Provisioner,
    "attacher": Attacher,
    "resizer": Resizer,
    "snapshotter": Snapshotter,
}


class World:
    """Everything in a run. Each part sees of it what its own Protocol names."""

    controllers: dict[int, tuple[Served, SharedParts]]

    def __init__(self, plan: Plan, *, keep_trace: bool) -> None:
        loop = asyncio.get_running_loop()
        self.plan = plan
        self.now = loop.time
        self.trace = Trace(loop.time, keep=keep_trace)
        self.chance = random.Random(f"{plan.seed} world")  # noqa: S311  # replays
        self.injector = Injector(plan.faults, self.trace)
        self.bell = Bell()
        self.store = Store()
        self.verdict: asyncio.Future[str] = loop.create_future()
        self.skew = 0.0  # of the hosts' clock against the cloud's, seconds
        self._offered: frozenset[str] = frozenset()
        self._tasks: list[asyncio.Task[None]] = []
        self._records = 0
        self._links: dict[int, float] = {}
        self._stale: set[int] = set()
        self.cloud = (OtherState if plan.cloud else CloudState)(self, plan.hosts)
        self.thrift = Thrift(self)
        self.limit = Limit(plan.requests_per_minute)
        self._old_list: tuple[float, list[Volume]] = (0.0, [])
        self._old_snapshots: tuple[float, list[Snapshot]] = (0.0, [])
        self.account: Wire | OtherCloud = (
            OtherCloud(self, self.cloud)
            if isinstance(self.cloud, OtherState)
            else Wire(
                self,
                Api(self.cloud, self.listed, self.taken),
                Api(CloudState(self, 0), list, list, "another"),
                self.limit,
            )
        )
        self.checks = Checks(self)
        self.hosts = {number: SimHost(self, number, self.chance.getrandbits(32)) for number in range(1, plan.hosts + 1)}
        self.controllers = {}
        self.leaders: dict[str, Sidecar] = {}
        self.stagings: dict[tuple[int, str], Staging] = {}
        self.users = Users(self, plan.seed)
        self.others = Others(self)
        self.killed_at = -1000.0
        self._closed_at = -1000.0
        self._lied_at = -1000.0

    async def start(self) -> None:
        """Start every process."""
        for replica in range(REPLICAS):
            self.start_controller(replica)
        reply = await self.ask(
            0, csi.ControllerGetCapabilitiesRequest(), csi.ControllerGetCapabilitiesResponse, seconds=5.0
        )
        self._offered = frozenset(each.rpc.type.name or "" for each in reply.capabilities if each.rpc is not None)
        for number in self.hosts:
            self.start_kubelet(number)
        for name in SIDECARS:
            self.lead(name, self.chance.randrange(REPLICAS) if self.plan.seed % 2 else 0)
        self.begin(AttachDetach(self).run())
        self.begin(self._watch())

    def wall(self) -> float:
        """Return the cloud's clock."""
        return EPOCH + self.now()

    def draw(self, low: float, high: float) -> float:
        """Draw a number."""
        return self.chance.uniform(low, high)

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Run ``work``, which belongs to no process; an error in it ends the run."""

        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                if not self.verdict.done():
                    self.verdict.set_exception(error)
                raise

        self._tasks.append(asyncio.get_running_loop().create_task(guarded(), context=Context()))

    def broken(self, what: str) -> None:
        """An invariant does not hold: the run ends."""
        self.trace.note("BROKEN", what)
        if not self.verdict.done():
            self.verdict.set_exception(Broken(what))

    def changed(self) -> None:
        """Wake whoever waits for something."""
        self.bell.ring()

    # The cloud's surroundings.

    def plug(self, droplet_id: int, volume: Volume) -> None:
        """The cloud attaches a disk to a host."""
        host = self.hosts[droplet_id - 100]
        late = self.injector.take(frozenset({"late device"}), f"host {host.number}", self.now())
        host.plug(volume.id, volume.name, volume.disk, late.amount if late is not None else self.draw(0.01, 0.5))
        off = self.injector.take(frozenset({"foreign detach"}), volume.name, self.now())
        if off is not None:
            self.begin(self.others.take_off(volume, host, off.amount))
        fault = self.injector.take(frozenset({"unreadable disk"}), f"host {host.number}", self.now())
        if fault is not None and (plugged := host.kernel.disk_of(volume.id)) is not None:
            plugged.unreadable = True
            self.begin(self._readable_again(host, volume.id))

    async def _readable_again(self, host: SimHost, volume_id: str) -> None:
        await sleep(30)
        if (plugged := host.kernel.disk_of(volume_id)) is not None:
            plugged.unreadable = False

    def unplug(self, droplet_id: int, volume_id: str) -> None:
        """The cloud takes a disk from a host."""
        host = self.hosts[droplet_id - 100]
        stale = self.injector.take(frozenset({"stale link"}), f"host {host.number}", self.now())
        host.unplug(volume_id, stale_link=stale is not None)

    def resized(self, droplet_id: int, volume_id: str) -> None:
        """The cloud has grown a disk: the kernel learns of it when it asks."""

    def deleted(self, volume: Volume) -> None:
        """The cloud has deleted a volume."""
        self.checks.deleted(volume)
        if self.injector.take(frozenset({"asked again"}), volume.name, self.now()):
            self.begin(self.others.ask_again(volume))

    def detached(self, volume: Volume, droplet_id: int) -> None:
        """The cloud has accepted a detach."""
        self.checks.detached(volume, droplet_id)

    def formatted(self, volume_id: str, disk: Disk) -> None:
        """A host is about to format a disk."""
        self.checks.formatted(volume_id, disk)

    def action_fate(self, kind: str) -> tuple[float, str]:
        """Return how long the next action takes, and how it ends."""
        slow = self.injector.take(frozenset({"slow action"}), kind, self.now())
        failed = self.injector.take(frozenset({"failed action"}), kind, self.now())
        seconds = slow.amount if slow is not None else self.draw(0.5, 6.0)
        forgotten = self.injector.take(frozenset({"forgotten action"}), kind, self.now())
        if forgotten is not None:
            seconds = forgotten.amount
            self.begin(self._forget_action("resizer" if kind == "resize" else "attacher"))
        return seconds, "completed" if failed is None else "errored"

    async def _forget_action(self, sidecar: str) -> None:
        """The controller that has begun an action dies, and another one leads: nobody remembers the action."""
        await sleep(self.draw(0.2, 2.0))
        leader = self.leaders[sidecar].replica
        if self.chance.random() < 0.5:
            self.kill_controller(leader, 0)
        await self.change_leader(sidecar, stopped=False)

    def closed(self) -> None:
        """The cloud has said that the account is over its limit."""
        self._closed_at = self.now()

    def has_room(self) -> bool:
        """Whether the account is far from its limit, and nobody has said otherwise for a while."""
        return self.now() - self._closed_at > CLOSED_SECONDS and self.limit.recent(self.now()) < FEW_REQUESTS

    def throttled(self) -> None:
        """A request was over the limit: allowed only when the budget's memory was lost with a process."""
        self.trace.count("429 by limit")
        if self.now() - self.killed_at > 90 and not self._many_senders():
            self.broken(f"a request over the limit of {self.plan.requests_per_minute} a minute")

    def _many_senders(self) -> bool:
        """Two controllers share a token: each sees the other's use by the headers of replies only."""
        return len({each.replica for each in self.leaders.values()}) > 1

    def lied(self) -> None:
        """A list has lacked what is there."""
        self._lied_at = self.now()

    def lists_lied(self) -> bool:
        """Whether a list has lacked what is there a moment ago: what it was read for may be remembered."""
        return self.now() - self._lied_at < LIE_SECONDS

    def token(self) -> str:
        """Return what the file of the token holds."""
        return OTHER_TOKEN if self.injector.storm("other account", self.now()) else TOKEN

    def listed(self) -> list[Volume]:
        """Return what a list of volumes shows: in a storm of stale lists, what was there half a minute ago."""
        return (
            self._old_list[1] if self.injector.storm("stale lists", self.now()) else list(self.cloud.volumes.values())
        )

    def taken(self) -> list[Snapshot]:
        """Return what a list of snapshots shows: in a storm of stale ones, what was there half a minute ago."""
        stale = self.injector.storm("stale snapshots", self.now())
        return self._old_snapshots[1] if stale else list(self.cloud.snapshots.values())

    # The driver's processes.

    def start_controller(self, replica: int) -> None:
        """Start a controller."""
        served, parts = drivers.controller(
            f"controller {replica}", self.account, self.plan.requests_per_minute, lambda: self.wall() + self.skew
        )
        served.process.on_death(lambda: self.trace.died(served.process))
        self.controllers[replica] = served, parts
        self.changed()

    def kill_controller(self, replica: int, steps: int) -> None:
        """Let a controller die within so many steps; it starts again soon."""
        served = self.controllers[replica][0]
        self.killed_at = self.now()
        if steps:
            served.process.die_in(steps)
        else:
            served.process.die()
        self.begin(self._restart_controller(replica, served))

    async def _restart_controller(self, replica: int, served: Served) -> None:
        await self.bell.until(lambda: served.process.dead, 60.0)
        served.process.die()
        self.killed_at = self.now()
        self.trace.count("kills")
        self.trace.note("kill", f"controller {replica} after {served.process.steps} steps")
        await sleep(self.draw(0.5, 8))
        self.start_controller(replica)

    async def ask(self, replica: int, request: Message, reply: type[Reply], seconds: float) -> Reply:
        """Call a controller, as a sidecar does. Raises Failed."""
        if (fault := self._dies_in(request)) is not None:
            self.kill_controller(replica, int(fault.amount))
        begun = self.now()
        answer = await self._call(self.controllers[replica][0], request, reply, seconds)
        if not self.others.has_moved(str(getattr(request, "volume_id", "")), begun):
            self._true(request, 0, answer)
        if isinstance(request, csi.ListVolumesRequest) and isinstance(answer, csi.ListVolumesResponse):
            self.others.check_list(self.controllers[replica][0].process, request, answer, begun)
        return answer

    def _true(self, request: Message, host: int, answer: Reply) -> Reply:
        """Return an answer of success, which has to be true."""
        for doubt in truth.doubts(self, request, host):
            self.broken(f"{_method(request)} has succeeded, but {doubt}")
        return answer

    async def ask_node(self, host: int, request: Message, reply: type[Reply], seconds: float) -> Reply:
        """Call a node, as kubelet does. Raises Failed."""
        serving = self.hosts[host].serving
        if serving is None or serving.process.dead:
            await sleep(0.01)
            raise Failed(type(request).__name__, Status.UNAVAILABLE, "no connection")
        if (fault := self._dies_in(request)) is not None:
            self.hosts[host].kill_node_in(int(fault.amount))
        theirs = self.others.mounted(self.hosts[host], request)
        answer = self._true(request, host, await self._call(serving, request, reply, seconds))
        self.others.check_unstaged(self.hosts[host], theirs)
        return answer

    def _dies_in(self, request: Message) -> Fault | None:
        """Return the fault of a process that dies so many steps into this call."""
        return self.injector.take(frozenset({"killed in a call"}), _method(request), self.now())

    async def _call(self, served: Served, request: Message, reply: type[Reply], seconds: float) -> Reply:
        method = _method(request)
        self.trace.count("calls")
        node_id = str(getattr(request, "node_id", "") or "0")
        self.checks.asked(method, str(getattr(request, "volume_id", "")), int(node_id))
        self.thrift.called(served.process, method, str(getattr(request, "volume_id", "")))
        fault = self.injector.take(frozenset({"call cancelled"}), method, self.now())
        try:
            if fault is None:
                answer = await served.call(request, reply, seconds)
                self._repeat_later(method, request, reply)
                return answer
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(fault.amount):
                    return await served.call(request, reply, seconds)
            raise Failed(method, Status.CANCELLED, "given up by the caller")  # noqa: TRY301  # as any other answer
        except Failed as failed:
            self.trace.note(
                served.process.name, f"{method} {_subject(request)} -> {failed.status.name} {failed.message}"
            )
            if failed.message != "no connection":
                self.checks.answered(method, failed.status, failed.message)
            raise

    def _repeat_later(self, method: str, request: Message, reply: type[Message]) -> None:
        """A sidecar that has lost its lead, and does not know yet that the work is done, asks once more."""
        fault = self.injector.take(frozenset({"call repeated"}), method, self.now())
        if fault is not None:
            self.begin(self._repeat(fault.amount, request, reply))

    async def _repeat(self, seconds: float, request: Message, reply: type[Message]) -> None:
        await sleep(seconds)
        volume_id, node_id = str(getattr(request, "volume_id", "")), str(getattr(request, "node_id", ""))
        wanted_again = any(
            str(100 + each.host) == node_id and each.claim.volume_id == volume_id for each in self.store.attachments
        )
        if not wanted_again:
            self.killed_at = self.now()  # another controller, which knows nothing of what was sent
            with contextlib.suppress(Failed):
                await self._call(self.controllers[self.chance.randrange(REPLICAS)][0], request, reply, seconds=15.0)

    def offers(self, rpc: str) -> bool:
        """Say whether the controller offers a capability."""
        return rpc in self._offered

    # The cluster.

    def lead(self, name: str, replica: int) -> None:
        """Let a new instance of a sidecar lead."""
        self.leaders[name] = SIDECARS[name](self, name, replica)
        self.leaders[name].start()

    async def change_leader(self, name: str, *, stopped: bool) -> None:
        """Let another instance lead. The old one exits; or it was stopped, and never knew: its calls went on meanwhile.

        Facts: leases of the sidecars last 15 s and are renewed every 5 s; who cannot renew for 10 s exits (client-go).
        So two work at once only if one is stopped, for 10 s at least, and calls without caller.
        """
        old = self.leaders[name]
        old.leading = False
        if stopped:
            old.process.stop()
            await sleep(LOST_CLIENT_SECONDS)  # the controller gives up the calls of a client that is silent
            old.process.die()
            await sleep(LEASE_SECONDS - LOST_CLIENT_SECONDS)
        old.die()
        self.killed_at = self.now()  # the other controller knows nothing of what this one has sent
        self.trace.count("kills")
        if self.leaders[name] is old:
            self.lead(name, (old.replica + 1) % REPLICAS)

    def start_kubelet(self, number: int) -> None:
        """Start kubelet on a host, which takes up the pods that are still there."""
        host = self.hosts[number]
        host.kubelet = Process(f"kubelet {number}")
        for key in [key for key in self.stagings if key[0] == number]:
            self.stagings[key] = self.stagings[key].reconstruct()
        for pod in self.store.pods:
            if pod.host == number and not pod.gone:
                pod.running, pod.published = False, "uncertain" if pod.published else ""
                self.run_pod(pod)

    def run_pod(self, pod: Pod) -> None:
        """Let kubelet take up a pod."""
        host = self.hosts[pod.host]
        if host.kubelet is not None and not host.kubelet.dead:
            host.kubelet.start(self._live(host, pod))

    async def _live(self, host: SimHost, pod: Pod) -> None:
        await self.bell.until(lambda: (pod.claim.volume is not None and host.online) or (pod.deleting and host.online))
        if pod.claim.volume is None:
            pod.gone = True
            self.bell.ring()
            return
        staging = self.stagings.setdefault((host.number, pod.claim.volume_id), Staging())
        await PodLife(self, host, pod, staging).live()

    def next_record(self) -> int:
        """Return a number that nobody has written before."""
        self._records += 1
        return self._records

    def lost(self, pod: Pod, found: list[int]) -> None:
        """Compare what a pod finds on its volume with what was synced to it."""
        self.checks.read(pod, found)

    async def _watch(self) -> None:
        """Look every second at what must always be true; remember what lists will show when they are stale."""
        while True:
            self.checks.acknowledged()
            self.others.check()
            if self.now() - self._old_list[0] > 30 and not self.injector.storm("stale lists", self.now()):
                self._old_list = (self.now(), list(self.cloud.volumes.values()))
            if self.now() - self._old_snapshots[0] > 30 and not self.injector.storm("stale snapshots", self.now()):
                self._old_snapshots = (self.now(), list(self.cloud.snapshots.values()))
            await sleep(1.0)


def _method(request: Message) -> str:
    return ROUTES[type(request)].path.rpartition("/")[2]


def _subject(request: Message) -> str:
    return " ".join(
        str(getattr(request, name)) for name in ("name", "volume_id", "node_id") if getattr(request, name, "")
    )
