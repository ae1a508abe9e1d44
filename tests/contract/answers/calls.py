"""The calls that change something, from each state of the cloud, and what must be so when one answers OK."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from controller.digitalocean.origins import DESCRIPTION
from csi_proto.csi import v1 as csi
from tests.contract.answers.world import World
from tests.fakes.host.disks import Disk
from tests.faults.cloud.records import Snapshot, Volume
from tools.csi.kubelet import mounted

GIB = 1 << 30
NAME, COPY, SNAPSHOT = "pvc-1", "pvc-2", "snapshot-1"
HERE, ELSEWHERE = 101, 102
GONE = "11111111-2222-4333-8444-555555555555"
ABILITY = mounted()

Work = Coroutine[object, object, object]
_NOTHING = Volume(GONE, "", 0, Disk(0), "", 0.0)


@dataclass(frozen=True)
class Case:
    """A call from a state. ``holds`` says whether the cloud is as an OK promises. ``ends``: how it ends undisturbed."""

    rpc: str
    before: str
    prepare: Callable[[World], None]
    call: Callable[[World], Work]
    holds: Callable[[World, object], bool]
    ends: str = "OK"

    def __str__(self) -> str:
        return f"{self.rpc}, {self.before}"


def volume(world: World, droplet_id: int = 0, tags: tuple[str, ...] = ()) -> Volume:
    """Make the volume, as the cloud has it."""
    made = world.cloud.make(NAME, 2, DESCRIPTION, list(tags), "")
    made.droplet_id = droplet_id
    world.cloud.tags.update(tags)
    return made


def snapshot(world: World) -> Snapshot:
    """Make the volume and its snapshot, as the cloud has them."""
    return world.cloud.take(volume(world).id, SNAPSHOT, [])


def only(world: World) -> Volume:
    """Return the one volume of that name; a gone one, if there is none."""
    return next((each for each in world.cloud.volumes.values() if each.name == NAME), _NOTHING)


def _create(world: World, name: str, source: csi.VolumeContentSource | None, gib: int = 2) -> Work:
    wanted = csi.CreateVolumeRequest(
        name=name,
        capacity_range=csi.CapacityRange(required_bytes=gib * GIB),
        volume_capabilities=[ABILITY],
        volume_content_source=source,
    )
    return world.service.create_volume(wanted)


def _restore(world: World) -> Work:
    taken = next(iter(world.cloud.snapshots), GONE)
    source = csi.VolumeContentSource(snapshot=csi.VolumeContentSourceSnapshotSource(snapshot_id=taken))
    return _create(world, COPY, source, 5)


def _clone(world: World) -> Work:
    source = csi.VolumeContentSource(volume=csi.VolumeContentSourceVolumeSource(volume_id=only(world).id))
    return _create(world, COPY, source, 5)


def _made(name: str, gib: int) -> Callable[[World, object], bool]:
    def holds(world: World, reply: object) -> bool:
        assert isinstance(reply, csi.CreateVolumeResponse)
        assert reply.volume is not None
        same = [each for each in world.cloud.volumes.values() if each.name == name]
        return [each.id for each in same] == [reply.volume.volume_id] and same[0].size_gib >= gib

    return holds


def _publish(world: World) -> Work:
    wanted = csi.ControllerPublishVolumeRequest(
        volume_id=only(world).id, node_id=str(HERE), volume_capability=ABILITY, volume_context={}
    )
    return world.service.controller_publish_volume(wanted)


def _unpublish(world: World) -> Work:
    return world.service.controller_unpublish_volume(
        csi.ControllerUnpublishVolumeRequest(volume_id=only(world).id, node_id=str(HERE))
    )


def _is_free(world: World, _: object) -> bool:
    found = only(world)
    return found.droplet_id != HERE and (found.event is None or found.event.kind != "attach")


def _expand(world: World) -> Work:
    wanted = csi.ControllerExpandVolumeRequest(
        volume_id=only(world).id, capacity_range=csi.CapacityRange(required_bytes=5 * GIB), volume_capability=ABILITY
    )
    return world.service.controller_expand_volume(wanted)


def _modify(world: World) -> Work:
    wanted = csi.ControllerModifyVolumeRequest(
        volume_id=only(world).id, mutable_parameters={"tags": "new", "absent-tags": "old"}
    )
    return world.service.controller_modify_volume(wanted)


def _take(world: World) -> Work:
    return world.service.create_snapshot(csi.CreateSnapshotRequest(source_volume_id=only(world).id, name=SNAPSHOT))


def _is_taken(world: World, reply: object) -> bool:
    assert isinstance(reply, csi.CreateSnapshotResponse)
    assert reply.snapshot is not None
    same = [each for each in world.cloud.snapshots.values() if each.name == SNAPSHOT]
    return [(each.id, each.volume_id) for each in same] == [(reply.snapshot.snapshot_id, only(world).id)]


def _drop(world: World) -> Work:
    return world.service.delete_snapshot(csi.DeleteSnapshotRequest(snapshot_id=next(iter(world.cloud.snapshots), GONE)))


def _delete(world: World) -> Work:
    return world.service.delete_volume(csi.DeleteVolumeRequest(volume_id=only(world).id))


def _attaching(world: World) -> None:
    world.cloud.attach(volume(world).id, HERE, [])


def _has_new_tags(world: World, _: object) -> bool:
    return {"new"} <= set(only(world).tags) and "old" not in only(world).tags


def _nothing(_: World) -> None:
    """Let nothing be there."""


def _there(droplet_id: int = 0, tags: tuple[str, ...] = ()) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        volume(world, droplet_id, tags)

    return prepare


def _with_snapshot(world: World) -> None:
    snapshot(world)


def _is_gone(world: World, _: object) -> bool:
    return only(world) is _NOTHING


def _is_on(droplet_id: int) -> Callable[[World, object], bool]:
    return lambda world, _: only(world).droplet_id == droplet_id


def _is_larger(world: World, _: object) -> bool:
    return only(world).size_gib >= 5


def _no_snapshot(world: World, _: object) -> bool:
    return not world.cloud.snapshots


PUBLISH, UNPUBLISH, EXPAND = "ControllerPublishVolume", "ControllerUnpublishVolume", "ControllerExpandVolume"
CASES = (
    Case("CreateVolume", "not there", _nothing, lambda world: _create(world, NAME, None), _made(NAME, 2)),
    Case("CreateVolume", "there", _there(), lambda world: _create(world, NAME, None), _made(NAME, 2)),
    Case("CreateVolume", "of a snapshot", _with_snapshot, _restore, _made(COPY, 5)),
    Case("CreateVolume", "of a volume", _there(), _clone, _made(COPY, 5)),
    Case("DeleteVolume", "detached", _there(), _delete, _is_gone),
    Case("DeleteVolume", "attached", _there(HERE), _delete, _is_gone, "FAILED_PRECONDITION"),
    Case("DeleteVolume", "gone", _nothing, _delete, _is_gone),
    Case(PUBLISH, "detached", _there(), _publish, _is_on(HERE)),
    Case(PUBLISH, "attached", _there(HERE), _publish, _is_on(HERE)),
    Case(PUBLISH, "attached elsewhere", _there(ELSEWHERE), _publish, _is_on(HERE), "FAILED_PRECONDITION"),
    Case(UNPUBLISH, "attached", _there(HERE), _unpublish, _is_free),
    Case(UNPUBLISH, "detached", _there(), _unpublish, _is_free),
    Case(UNPUBLISH, "attached elsewhere", _there(ELSEWHERE), _unpublish, _is_on(ELSEWHERE)),
    Case(UNPUBLISH, "being attached", _attaching, _unpublish, _is_free),
    Case(EXPAND, "detached", _there(), _expand, _is_larger),
    Case(EXPAND, "attached", _there(HERE), _expand, _is_larger),
    Case("ControllerModifyVolume", "other tags", _there(tags=("old",)), _modify, _has_new_tags),
    Case("CreateSnapshot", "not there", _there(), _take, _is_taken),
    Case("CreateSnapshot", "there", _with_snapshot, _take, _is_taken),
    Case("DeleteSnapshot", "there", _with_snapshot, _drop, _no_snapshot),
    Case("DeleteSnapshot", "gone", _nothing, _drop, _no_snapshot),
)
