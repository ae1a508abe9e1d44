"""Records become CSI messages here, and nowhere else."""

from collections.abc import Mapping

from common.attributes import REGION_TOPOLOGY_KEY, volume_name_key, volume_origin_key, volume_size_key
from controller.cloud.base import Volume
from controller.records import Published, Source
from controller.rules import origins
from csi_proto.csi import v1 as csi

Rpc = csi.ControllerServiceCapabilityRpcType

OFFERED = (
    Rpc.CREATE_DELETE_VOLUME,
    Rpc.PUBLISH_UNPUBLISH_VOLUME,
    Rpc.SINGLE_NODE_MULTI_WRITER,
)


def capabilities() -> csi.ControllerGetCapabilitiesResponse:
    """Say what the controller offers."""
    offered = [csi.ControllerServiceCapability(rpc=csi.ControllerServiceCapabilityRpc(type=kind)) for kind in OFFERED]
    return csi.ControllerGetCapabilitiesResponse(capabilities=offered)


def created(volume: Volume, source: Source, context: Mapping[str, str], driver_name: str) -> csi.CreateVolumeResponse:
    """Tell of a volume that was asked for."""
    origin = {volume_origin_key(driver_name): source.origin} if source.origin else {}
    message = volume_message(volume)
    message.volume_context = {**context, **origin}
    message.content_source = content_source(source)
    return csi.CreateVolumeResponse(volume=message)


def volume_message(volume: Volume) -> csi.Volume:
    """Tell of a volume."""
    return csi.Volume(
        capacity_bytes=volume.size_bytes,
        volume_id=volume.id,
        content_source=content_source(origins.read(volume.description)),
        accessible_topology=[topology(volume.region)],
    )


def content_source(source: Source) -> csi.VolumeContentSource | None:
    """Tell what a volume was made of."""
    if source.snapshot_id:
        return csi.VolumeContentSource(snapshot=csi.VolumeContentSourceSnapshotSource(snapshot_id=source.snapshot_id))
    if source.volume_id:
        return csi.VolumeContentSource(volume=csi.VolumeContentSourceVolumeSource(volume_id=source.volume_id))
    return None


def topology(region: str) -> csi.Topology:
    """Tell where something can be reached from."""
    return csi.Topology(segments={REGION_TOPOLOGY_KEY: region})


def published(published: Published, driver_name: str) -> csi.ControllerPublishVolumeResponse:
    """Tell the node what it needs to find the device."""
    context = {
        volume_name_key(driver_name): published.volume_name,
        volume_size_key(driver_name): str(published.size_bytes),
    }
    return csi.ControllerPublishVolumeResponse(publish_context=context)


def confirmed(message: csi.ValidateVolumeCapabilitiesRequest) -> csi.ValidateVolumeCapabilitiesResponse:
    """Confirm exactly what was asked."""
    return csi.ValidateVolumeCapabilitiesResponse(
        confirmed=csi.ValidateVolumeCapabilitiesResponseConfirmed(
            volume_context=message.volume_context,
            volume_capabilities=message.volume_capabilities,
            parameters=message.parameters,
            mutable_parameters=message.mutable_parameters,
        )
    )
