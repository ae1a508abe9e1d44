"""Others on the same account, and callers beside the sidecars: what they do, and what holds for them.

They have volumes in other regions, tags in another case, and snapshots whose names look like the driver's own.
"""

import random
from contextlib import suppress
from typing import Protocol, TypeVar

from betterproto2 import Message

from controller.rules.temporary_snapshot import LABEL
from csi_proto.csi import v1 as csi
from tests.fakes.host.host import SimHost
from tests.fakes.host.kernel import Mounted
from tests.faults.cloud.foreign import OTHER_ID
from tests.faults.cloud.records import CLUSTER, REGION, Volume
from tests.faults.cloud.state import CloudState, Refused
from tests.faults.cluster.objects import Store
from tests.faults.plan import Fault
from tests.faults.sim.injector import Injector
from tests.faults.sim.loop import Process, sleep
from tests.faults.sim.rpc import Failed
from tests.faults.sim.trace import Trace

Reply = TypeVar("Reply", bound=Message)

ELSEWHERE = 40  # volumes in another region
LARGEST_BYTES = 16384 << 30
SECONDS = 15.0
MOST_PAGES = 50
LIST_SECONDS = 12.0  # so old may be what ListVolumes tells
HOLD_SECONDS = 30.0  # so long others hold a volume that they have attached or mounted
LOOK_SECONDS = 0.05
BY_HAND = "/mnt/by-hand/"
KINDS = frozenset(
    {
        *("foreign snapshot", "foreign tag", "foreign growth", "foreign attach", "foreign mount"),
        *("foreign tag taken",),
        *("capacity asked", "health asked"),
    }
)


class World(Protocol):
    """What they see."""

    cloud: CloudState
    store: Store
    injector: Injector
    trace: Trace
    chance: random.Random
    hosts: dict[int, SimHost]

    def now(self) -> float: ...
    def broken(self, what: str) -> None: ...  # ends the run
    def lists_lied(self) -> bool: ...  # whether a list has lacked what is there a moment ago
    async def ask(self, replica: int, request: Message, reply: type[Reply], seconds: float) -> Reply: ...


class Others:
    """Acts out what a plan says of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._snapshots: dict[str, str] = {}
        self._listed: dict[Process, set[str]] = {}
        self._held: set[str] = set()
        self._moved: dict[str, float] = {}

    async def act(self, fault: Fault) -> None:
        """Do what the fault says."""
        if fault.kind == "foreign snapshot":
            self._take()
        elif fault.kind == "foreign tag":
            self._world.cloud.tags.add(CLUSTER.upper())
        elif fault.kind == "foreign tag taken":
            self._take_tag(fault.who)
        elif fault.kind == "foreign growth":
            self._grow()
        elif fault.kind == "foreign attach":
            await self._hold()
        elif fault.kind == "foreign mount":
            await self._mount(self._world.hosts[fault.who])
        elif fault.kind == "capacity asked":
            await self._ask_capacity()
        else:
            await self._ask_health()

    def is_theirs(self, snapshot_id: str) -> bool:
        """Say whether a snapshot was taken by them."""
        return snapshot_id in self._snapshots

    def check(self) -> None:
        """What is theirs stays."""
        for snapshot_id, name in self._snapshots.items():
            if snapshot_id not in self._world.cloud.snapshots:
                self._world.broken(f"snapshot {name} of somebody else was deleted")

    def holds_any(self) -> bool:
        """Say whether they have attached volumes that they did not let go yet."""
        return bool(self._held)

    def has_moved(self, volume_id: str, since: float) -> bool:
        """Say whether they have attached or detached a volume since then: the driver may not have seen it."""
        return self._moved.get(volume_id, since) > since

    def check_list(
        self, process: Process, asked: csi.ListVolumesRequest, listed: csi.ListVolumesResponse, begun: float
    ) -> None:
        """No droplet that was destroyed a while before the call holds a volume, and none that was listed is forgotten.

        What a process has never listed may be hidden from it: then a list is the cloud's only word.
        """
        shown = {entry.volume.volume_id for entry in listed.entries if entry.volume is not None}
        if not asked.starting_token and not listed.next_token:
            for volume_id in self._listed.get(process, set()) - shown:
                if volume_id in self._world.cloud.volumes:
                    self._world.broken(f"ListVolumes forgets volume {self._world.cloud.volumes[volume_id].name}")
            self._listed[process] = shown
        for entry in listed.entries:
            for server_id in entry.status.published_node_ids if entry.status is not None else ():
                gone = self._world.cloud.destroyed.get(int(server_id), begun)
                if gone < begun - LIST_SECONDS:
                    self._world.broken(f"ListVolumes tells of droplet {server_id}, gone for {begun - gone:.0f} s")

    async def ask_again(self, volume: Volume) -> None:
        """Ask once more for the snapshots of a volume that was just deleted."""
        for snap in list(self._world.store.snaps):
            if snap.claim.volume_id != volume.id or not snap.snapshot_id or snap.deleted:
                continue
            request = csi.CreateSnapshotRequest(source_volume_id=volume.id, name=snap.name)
            with suppress(Failed):
                reply = await self._world.ask(0, request, csi.CreateSnapshotResponse, SECONDS)
                if reply.snapshot is None or (reply.snapshot.snapshot_id != snap.snapshot_id and not snap.deleted):
                    self._world.broken(f"{snap.name} was asked for again, and is another snapshot now")

    def _grow(self) -> None:
        """Grow a volume by hand."""
        volumes = [each for each in self._world.cloud.volumes.values() if each.region == REGION]
        if volumes:
            volume = self._world.chance.choice(volumes)
            with suppress(Refused):
                self._world.cloud.resize(volume.id, volume.size_gib + 1)

    def _take_tag(self, number: int) -> None:
        """Take the cluster's tag off the volume of a claim, and put another one on."""
        for claim in self._world.store.claims:
            volume = self._world.cloud.volumes.get(claim.volume_id) if claim.volume is not None else None
            if claim.number == number and volume is not None:
                volume.tags = ["theirs", *(tag for tag in volume.tags if tag.lower() != CLUSTER)]

    async def take_off(self, volume: Volume, host: SimHost, seconds: float) -> None:
        """Detach a volume by hand soon after it was attached, unless it is in use by then."""
        while volume.event is not None:
            await sleep(LOOK_SECONDS)
        await sleep(seconds)
        if volume.droplet_id == host.droplet_id and _is_free(volume, host):
            self._world.trace.note("others", f"detach {volume.name} from {volume.droplet_id}")
            self._world.trace.count("volumes detached by others")
            self._moved[volume.id] = self._world.now()
            self._world.cloud.take_off(volume)

    async def _hold(self) -> None:
        """Attach a volume by hand, and detach it later, unless the cluster has a pod for it there by then."""
        cloud, chance = self._world.cloud, self._world.chance
        free = [each for each in cloud.volumes.values() if not each.droplet_id and each.region == REGION]
        if not free or not cloud.droplets:
            return
        volume, droplet_id = chance.choice(free), chance.choice(list(cloud.droplets))
        with suppress(Refused):
            cloud.attach(volume.id, droplet_id, [])
            self._held.add(volume.id)
            self._moved[volume.id] = self._world.now()
        while volume.id in self._held:
            await sleep(HOLD_SECONDS)
            self._let_go(volume.id, droplet_id)

    def _let_go(self, volume_id: str, droplet_id: int) -> None:
        volume = self._world.cloud.volumes.get(volume_id)
        if volume is None or (volume.event is None and volume.droplet_id != droplet_id):
            self._held.discard(volume_id)
        elif not any(
            each.claim.volume is not None and (each.claim.volume_id, 100 + each.host) == (volume_id, droplet_id)
            for each in self._world.store.attachments
        ):
            with suppress(Refused):
                self._world.cloud.detach(volume_id, droplet_id, by_driver=False)

    async def _mount(self, host: SimHost) -> None:
        """Mount a disk by hand on a host, as an administrator or udev does, and unmount it later."""
        kernel = host.kernel
        disks = [(each, each.disk.filesystem.kind) for each in kernel.disks.values() if each.disk.filesystem]
        if not disks:
            return
        plugged, kind = self._world.chance.choice(disks)
        point = BY_HAND + plugged.name
        kernel.folders.add(point)
        if kernel.mount(plugged, kind, frozenset({"rw"}), point):
            return
        self._world.trace.note(f"host {host.number}", f"others mount {plugged.kernel_name} at {point}")
        await sleep(HOLD_SECONDS)
        kernel.umount(point)

    def mounted(self, host: SimHost, request: Message) -> Mounted | None:
        """Return what they have mounted of a volume that is about to be unstaged from where it is mounted, too."""
        if not isinstance(request, csi.NodeUnstageVolumeRequest):
            return None
        staged = host.kernel.top(request.staging_target_path)
        theirs = None if staged is None else host.kernel.top(BY_HAND + staged.plugged.name)
        return theirs if staged and theirs and theirs.plugged is staged.plugged else None

    def check_unstaged(self, host: SimHost, theirs: Mounted | None) -> None:
        """No volume is unstaged while they have it mounted: it would be detached under them."""
        if theirs is not None and theirs in host.kernel.mounts and host.kernel.is_alive(theirs.plugged):
            self._world.broken(f"{theirs.plugged.name} is unstaged, and others have it at {theirs.line.point}")

    def _take(self) -> None:
        world = self._world
        if not world.cloud.volumes:
            return
        volume = world.chance.choice(list(world.cloud.volumes.values()))
        looks = f"csi-clone-{world.chance.getrandbits(128):032x}"
        name, tags = world.chance.choice(
            ((looks, []), (looks, [LABEL]), (looks, [CLUSTER]), (f"manual-{looks}", [LABEL, CLUSTER]))
        )
        taken = world.cloud.take(volume.id, name, tags)
        self._snapshots[taken.id] = taken.name

    async def _ask_capacity(self) -> None:
        world = self._world
        for number in range(ELSEWHERE):
            name = f"elsewhere-{number}"
            if all(each.name != name for each in world.cloud.volumes.values()):
                world.cloud.make(name, 1, "", [], "").region = "ams3"
        topology = csi.Topology(segments={"region": REGION})
        with suppress(Failed):
            reply = await world.ask(
                0, csi.GetCapacityRequest(accessible_topology=topology), csi.GetCapacityResponse, SECONDS
            )
            stale = world.injector.storm("stale lists", world.now()) or world.lists_lied()  # not shown there
            if not stale and reply.available_capacity > (world.cloud.volume_limit - ELSEWHERE) * LARGEST_BYTES:
                world.broken(f"GetCapacity offers {reply.available_capacity} bytes, more than the account may have")

    async def _ask_health(self) -> None:
        """Ask for a page of one while the droplet with the most volumes is off, and for a volume that is none."""
        world = self._world
        holders = [each.droplet_id for each in world.cloud.volumes.values() if each.droplet_id in world.cloud.droplets]
        droplet = world.cloud.droplets[max(holders, key=holders.count)] if holders else None
        if droplet is not None and droplet.active:
            droplet.active = False
            try:
                await self._list_health()
            finally:
                droplet.active = True
        with suppress(Failed):
            request = csi.ControllerGetVolumeHealthRequest(volume_id=OTHER_ID)
            await world.ask(0, request, csi.ControllerGetVolumeHealthResponse, SECONDS)
            world.broken("ControllerGetVolumeHealth knows a volume that never was")

    async def _list_health(self) -> None:
        token = ""
        for _ in range(MOST_PAGES):
            request = csi.ControllerListVolumeHealthRequest(max_entries=1, starting_token=token)
            try:
                reply = await self._world.ask(0, request, csi.ControllerListVolumeHealthResponse, SECONDS)
            except Failed:
                return
            if len(reply.entries) > 1:
                self._world.broken(f"a page of one entry has {len(reply.entries)}")
            token = reply.next_token
            if not token:
                return
        self._world.broken("the list of volume health does not end")


def _is_free(volume: Volume, host: SimHost) -> bool:
    """Say whether nothing is done to a volume, by the cloud or on the host."""
    opened = {each.plugged.volume_id for each in host.kernel.open.values()}
    return volume.event is None and volume.id not in opened and not host.is_mounted(volume.id)
