"""Records become CSI messages here, and nowhere else."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from common.context_keys import volume_name_key, volume_origin_key, volume_size_key
from common.printable import CONDITION_BYTES, bounded
from controller.capacity import AvailableCapacity
from controller.cloud.records import Snapshot, Volume
from controller.health import HealthReport
from controller.records import ControllerScope, PublishContext, Source
from controller.rules import sealed_context
from csi_proto.csi import v1 as csi


def created(
    volume: Volume, source: Source, context: Mapping[str, str], scope: ControllerScope
) -> csi.CreateVolumeResponse:
    """Tell of a volume that was asked for."""
    origin = {volume_origin_key(scope.driver_name): source.origin} if source.origin else {}
    message = volume_message(volume, scope)
    message.volume_context = {**context, **origin, **sealed_context.write(volume, scope.driver_name)}
    message.content_source = content_source(source)
    return csi.CreateVolumeResponse(volume=message)


def volume_message(volume: Volume, scope: ControllerScope) -> csi.Volume:
    """Tell of a volume."""
    return csi.Volume(
        capacity_bytes=volume.size_bytes,
        volume_id=volume.id,
        content_source=content_source(volume.origin),
        accessible_topology=[csi.Topology(segments={scope.facts.zone_key: volume.zone})],
    )


def content_source(source: Source | None) -> csi.VolumeContentSource | None:
    """Tell what a volume was made of."""
    if source is None:
        return None
    if source.snapshot_id:
        return csi.VolumeContentSource(snapshot=csi.VolumeContentSourceSnapshotSource(snapshot_id=source.snapshot_id))
    if source.volume_id:
        return csi.VolumeContentSource(volume=csi.VolumeContentSourceVolumeSource(volume_id=source.volume_id))
    return None


def published(published: PublishContext, driver_name: str) -> csi.ControllerPublishVolumeResponse:
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


def volumes_page(volumes: Iterable[Volume], token: str, scope: ControllerScope) -> csi.ListVolumesResponse:
    """Tell of a page of volumes, with who holds them."""
    entries = [
        csi.ListVolumesResponseEntry(
            volume=volume_message(volume, scope),
            status=csi.ListVolumesResponseVolumeStatus(published_node_ids=list(volume.server_ids)),
        )
        for volume in volumes
    ]
    return csi.ListVolumesResponse(entries=entries, next_token=token)


def volume_status(volume: Volume, scope: ControllerScope) -> csi.ControllerGetVolumeResponse:
    """Tell of one volume, with who holds it."""
    holders = list(volume.server_ids)
    return csi.ControllerGetVolumeResponse(
        volume=volume_message(volume, scope),
        status=csi.ControllerGetVolumeResponseVolumeStatus(published_node_ids=holders),
    )


def capacity(told: AvailableCapacity) -> csi.GetCapacityResponse:
    """Tell what can be made."""
    return csi.GetCapacityResponse(
        available_capacity=told.available, maximum_volume_size=told.largest, minimum_volume_size=told.smallest
    )


def snapshot_message(snapshot: Snapshot) -> csi.Snapshot:
    """Tell of a snapshot. The cloud shows none before it can be used.

    Its topology is left out: a cluster has one zone, so all its nodes can reach it, which is what leaving it out
    means (CSI 1.13 "Snapshot"). csi-sanity 5.6 compares that field with what Go keeps inside a message.
    """
    return csi.Snapshot(
        size_bytes=snapshot.min_size_bytes,
        snapshot_id=snapshot.id,
        source_volume_id=snapshot.volume_id,
        creation_time=datetime.fromtimestamp(snapshot.created_at, UTC),
        ready_to_use=True,
    )


def snapshots_page(snapshots: Iterable[Snapshot], token: str = "") -> csi.ListSnapshotsResponse:
    """Tell of a page of snapshots."""
    entries = [csi.ListSnapshotsResponseEntry(snapshot=snapshot_message(each)) for each in snapshots]
    return csi.ListSnapshotsResponse(entries=entries, next_token=token)


def health(told: HealthReport) -> csi.VolumeHealth:
    """Tell what ails a volume."""
    entries = [
        csi.VolumeHealthVolumeHealthEntry(
            status=csi.VolumeHealthErrorType[each.severity.value],
            reason=each.reason,
            message=bounded(each.message, CONDITION_BYTES),
        )
        for each in told.ailments
    ]
    return csi.VolumeHealth(volume_id=told.volume_id, health_statuses=entries)
