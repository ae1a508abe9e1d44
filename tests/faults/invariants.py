"""What must always hold, and what must hold when all is quiet. docs/explanation/what-we-promise.md says it in words."""

from collections.abc import Iterator
from typing import Protocol

from grpclib.const import Status

from common.codes import Code
from controller.codes import Code as ControllerCode
from controller.rules import temporary_snapshot
from tests.fakes.host.disks import Disk
from tests.fakes.host.host import SimHost
from tests.faults.cloud.foreign import INTERVAL_TEXT
from tests.faults.cloud.records import REGION, Volume
from tests.faults.cloud.state import CloudState
from tests.faults.cloud.wire import REFUSED
from tests.faults.cluster.objects import GIB, Claim, Pod, Snap, Store
from tests.faults.cluster.others import BY_HAND, Others
from tests.faults.sim.injector import Injector
from tests.faults.sim.trace import Trace

NEVER = frozenset({Status.UNKNOWN, Status.INTERNAL, Status.DATA_LOSS, Status.UNIMPLEMENTED, Status.PERMISSION_DENIED})
FINAL = {  # answers that end a sidecar's patience, and are right in this world; every request in it is valid
    "ControllerPublishVolume": frozenset({Status.NOT_FOUND, Status.FAILED_PRECONDITION}),
    "ControllerGetVolumeHealth": frozenset({Status.NOT_FOUND}),
    "NodeStageVolume": frozenset({Status.FAILED_PRECONDITION}),
    "NodePublishVolume": frozenset({Status.FAILED_PRECONDITION}),
    "NodeUnpublishVolume": frozenset({Status.FAILED_PRECONDITION}),
    "NodeUnstageVolume": frozenset({Status.FAILED_PRECONDITION}),
    "NodeExpandVolume": frozenset({Status.FAILED_PRECONDITION, Status.NOT_FOUND}),
}
NOT_FINAL = frozenset({Status.CANCELLED, Status.DEADLINE_EXCEEDED, Status.UNAVAILABLE, Status.ABORTED})


class World(Protocol):
    """What is looked at."""

    trace: Trace
    store: Store
    hosts: dict[int, SimHost]
    cloud: CloudState
    injector: Injector
    others: Others

    def broken(self, what: str) -> None: ...  # ends the run
    def has_room(self) -> bool: ...  # whether the account is far from its limit


class Checks:
    """The invariants; the world tells of what happens, at the moment in which it does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._unpublishing: dict[tuple[str, int], bool] = {}
        self._deletable: set[str] = set()

    def asked(self, method: str, volume_id: str, droplet_id: int) -> None:
        """A call is about to be made."""
        if method == "ControllerUnpublishVolume":
            self._unpublishing[volume_id, droplet_id] = True
        elif method == "ControllerPublishVolume":
            self._unpublishing[volume_id, droplet_id] = False
        elif method == "DeleteVolume":
            self._deletable.add(volume_id)

    def answered(self, method: str, status: Status, message: str) -> None:
        """A call was answered with an error."""
        if status in NEVER or Code.INTERNAL in message:
            self._world.broken(f"{method} was answered {status.name}: {message}")
        elif ControllerCode.RATE_LIMIT in message and self._world.has_room():
            self._world.broken(f"{method} was held back although the account is far from its limit: {message}")
        elif INTERVAL_TEXT in message and status is Status.RESOURCE_EXHAUSTED:
            return  # the cloud has refused this one snapshot, and nothing was done
        elif ControllerCode.STILL_ATTACHED in message and self._world.others.holds_any():
            return  # others have attached a volume, and the cloud deletes no such
        elif REFUSED in message and method != "CreateVolume":
            return  # the cloud has refused this one request, and nothing was done
        elif status not in NOT_FINAL and status not in FINAL.get(method, frozenset()):
            self._world.broken(f"{method} was refused for good, {status.name}: {message}")

    def deleted(self, volume: Volume) -> None:
        """The cloud has deleted a volume."""
        if volume.id not in self._deletable:
            self._world.broken(f"volume {volume.name} was deleted, and nobody had asked for that")

    def detached(self, volume: Volume, droplet_id: int) -> None:
        """The cloud has accepted a detach."""
        if not self._unpublishing.get((volume.id, droplet_id), False):
            self._world.broken(f"volume {volume.name} is detached from {droplet_id}, which nobody had asked for")
        host = self._world.hosts[droplet_id - 100]
        forced = any(
            each.forced and each.host == host.number and each.claim.volume_id == volume.id
            for each in self._world.store.attachments
        )
        points = [each for each in host.is_mounted(volume.id) if not each.startswith(BY_HAND)]
        if host.reachable and not forced and points:
            self._world.broken(f"volume {volume.name} is detached from {droplet_id} while it is mounted at {points}")

    def formatted(self, volume_id: str, disk: Disk) -> None:
        """An mkfs is about to write."""
        if disk.block_log or (disk.filesystem is not None and disk.filesystem.log):
            self._world.broken(f"mkfs on volume {volume_id}, which holds data")

    def read(self, pod: Pod, found: list[int]) -> None:
        """A pod has read its volume."""
        claim = pod.claim
        if claim.source is not None and not claim.synced:
            self._read_copy(claim, found)
            return
        if found != claim.synced:
            lost = [each for each in claim.synced if each not in found]
            foreign = [each for each in found if each not in claim.synced]
            self._world.broken(f"{claim.name} on host {pod.host} lacks {lost}, and holds {foreign} that is not its own")
        self._world.trace.count("records checked", len(found))

    def _read_copy(self, claim: Claim, found: list[int]) -> None:
        """A copy holds what was synced when it was asked for, and nothing that came after it was made."""
        least, most = claim.at_start, claim.at_most
        if found[: len(least)] != least or found != most[: len(found)]:
            self._world.broken(f"{claim.name} is a copy of {least} to {most}, and holds {found}")
        claim.synced = list(found)

    def acknowledged(self) -> None:
        """Every volume that was acknowledged, and whose deletion nobody has asked for, exists."""
        for claim in self._world.store.claims:
            if claim.volume is None or claim.removing:
                continue
            volume = self._world.cloud.volumes.get(claim.volume_id)
            if volume is None:
                self._world.broken(f"{claim.name} was acknowledged, and its volume is gone")
            elif volume.size_gib < claim.given_gib:
                self._world.broken(f"{claim.name} has {volume.size_gib} GiB, acknowledged were {claim.given_gib}")
        for snap in self._world.store.snaps:
            if snap.snapshot_id and not snap.deleted and snap.snapshot_id not in self._world.cloud.snapshots:
                self._world.broken(f"{snap.name} was acknowledged, and is gone")


def unsettled(world: World) -> Iterator[str]:
    """Yield what is not yet as its users want it."""
    for claim in world.store.claims:
        yield from _unsettled_claim(world, claim)
    for snap in world.store.snaps:
        done = snap.gone if snap.deleted else bool(snap.snapshot_id) or snap.given_up
        if not done and not (snap.claim.volume is None and snap.claim.gone):
            yield f"{snap.name} is not {'gone' if snap.deleted else 'taken'}"
    for pod in world.store.pods:
        if pod.deleting and not pod.gone:
            yield f"the pod of {pod.claim.name} on host {pod.host} does not end"
    for each in world.store.attachments:
        if each.deleting:
            yield f"{each.claim.name} is not detached from host {each.host}"


def _unsettled_claim(world: World, claim: Claim) -> Iterator[str]:
    if claim.deleted:
        if not claim.gone:
            yield f"{claim.name} is not deleted"
        return
    if claim.volume is None:
        yield f"{claim.name} is not bound"
    if claim.wanted_gib > claim.given_gib:
        yield f"{claim.name} has not grown"
    pod = claim.pod
    if claim.volume is not None and world.cloud.volumes[claim.volume_id].disk.torn:
        return  # a format that was interrupted here and continued nowhere needs a person: outside the promise
    if pod is not None and not pod.deleting and not pod.gone and not pod.running:
        yield f"the pod of {claim.name} does not run on host {pod.host}"
    if pod is not None and pod.running and claim.node_wanted_gib and not pod.deleting:
        yield f"the file system of {claim.name} has not grown"
    if pod is not None and pod.running and not claim.is_block and not claim.node_wanted_gib and not pod.deleting:
        disk = world.cloud.volumes[claim.volume_id].disk
        if disk.filesystem is not None and disk.filesystem.size_bytes < claim.given_gib * GIB:
            yield f"the file system of {claim.name} is smaller than its volume"


def leftovers(world: World) -> Iterator[str]:
    """Yield what has no owner, when everybody is done and everything was deleted."""
    for volume in [each for each in world.cloud.volumes.values() if each.region == REGION]:
        yield f"volume {volume.name} is left over, on droplet {volume.droplet_id}"
    for snapshot in world.cloud.snapshots.values():
        if not world.others.is_theirs(snapshot.id):
            yield f"snapshot {snapshot.name} is left over"
    for host in [each for each in world.hosts.values() if not each.gone]:
        for mounted in host.kernel.mounts:
            yield f"host {host.number} has {mounted.plugged.name} mounted at {mounted.line.point}"
        for number, held in host.kernel.open.items():
            yield f"host {host.number} holds {held.plugged.name} open as {number}"
        yield from (f"host {host.number} remembers {record}" for record in host.records() if host.is_leak(record))


def waits_for_a_sweep(world: World) -> bool:
    """Say whether clones have left snapshots, or others have some that look alike: an hour later it is swept."""
    return any(
        temporary_snapshot.LABEL in each.tags or world.others.is_theirs(each.id)
        for each in world.cloud.snapshots.values()
    )


def is_source(store: Store, subject: Claim | Snap) -> bool:
    """Say whether something that is not finished copies from it: Kubernetes protects it by a finalizer."""
    copied = any(each.source is subject and each.volume is None and not each.gone for each in store.claims)
    taken = any(each.claim is subject and not each.snapshot_id and not each.gone for each in store.snaps)
    return copied or taken
