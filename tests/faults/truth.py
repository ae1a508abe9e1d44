"""What an answer of success says is true at the moment in which it is given."""

from collections.abc import Iterator
from typing import Protocol

from betterproto2 import Message

from csi_proto.csi import v1 as csi
from tests.fakes.host.host import SimHost
from tests.faults.cloud.records import Volume
from tests.faults.cloud.state import CloudState


class World(Protocol):
    """What is looked at."""

    cloud: CloudState
    hosts: dict[int, SimHost]


def doubts(world: World, request: Message, host: int) -> Iterator[str]:
    """Yield what is not so although the call has succeeded. ``host``: of a node's call."""
    yield from _of_host(world.hosts[host], request) if host else _of_cloud(world.cloud, request)


def _of_cloud(cloud: CloudState, request: Message) -> Iterator[str]:
    volume = cloud.volumes.get(str(getattr(request, "volume_id", "")))
    match request:
        case csi.ControllerPublishVolumeRequest():
            droplet_id = int(request.node_id)
            if droplet_id in cloud.droplets and (volume is None or volume.droplet_id != droplet_id):
                yield f"volume {request.volume_id} is not on droplet {droplet_id}"
        case csi.ControllerUnpublishVolumeRequest() if volume is not None:
            yield from _still_attached(volume, int(request.node_id))
        case csi.DeleteVolumeRequest() if volume is not None:
            yield f"volume {volume.name} is there"
        case csi.ControllerExpandVolumeRequest() if volume is not None and request.capacity_range is not None:
            if volume.size_gib << 30 < request.capacity_range.required_bytes:
                yield f"volume {volume.name} has {volume.size_gib} GiB"
        case _:
            pass


def _of_host(host: SimHost, request: Message) -> Iterator[str]:
    match request:
        case csi.NodeStageVolumeRequest() if request.volume_capability and request.volume_capability.mount:
            yield from _not_mounted(host, request.volume_id, request.staging_target_path)
        case csi.NodePublishVolumeRequest():
            yield from _not_mounted(host, request.volume_id, request.target_path)
        case csi.NodeUnpublishVolumeRequest():
            yield from _mounted(host, request.target_path)
        case csi.NodeUnstageVolumeRequest():
            yield from _mounted(host, request.staging_target_path)
        case _:
            pass


def _still_attached(volume: Volume, droplet_id: int) -> Iterator[str]:
    if volume.droplet_id == droplet_id:
        yield f"volume {volume.name} is on droplet {droplet_id}"
    elif volume.event is not None and (volume.event.kind, volume.event.droplet_id) == ("attach", droplet_id):
        yield f"volume {volume.name} is being attached to droplet {droplet_id}"


def _not_mounted(host: SimHost, volume_id: str, path: str) -> Iterator[str]:
    seen = host.kernel.top(path)
    if seen is None or seen.plugged.volume_id != volume_id:
        yield f"host {host.number} has {'nothing' if seen is None else seen.plugged.name} at {path}"


def _mounted(host: SimHost, path: str) -> Iterator[str]:
    if (seen := host.kernel.top(path)) is not None:
        yield f"host {host.number} has {seen.plugged.name} at {path}"
