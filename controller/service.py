"""The CSI Controller service: each RPC parses, acts, replies.

Source: CSI 1.13 "Controller Service RPC".
"""

from collections.abc import Mapping

from common import call_log, errors
from common.capability import AccessType
from common.context_keys import volume_name_key, volume_origin_key
from controller import capabilities, replies, requests
from controller.cloud.records import Volume
from controller.records import ControllerScope
from controller.rules.names import shown
from controller.wiring import ControllerDomains
from csi_proto.csi import v1 as csi


class Controller(csi.ControllerBase):
    """Serves the CSI Controller service for one driver name and zone, with the labels of its cluster."""

    def __init__(self, identity: ControllerScope, work: ControllerDomains) -> None:
        self._identity = identity
        self._work = work

    async def controller_get_capabilities(
        self,
        message: csi.ControllerGetCapabilitiesRequest,  # noqa: ARG002  # an empty message
    ) -> csi.ControllerGetCapabilitiesResponse:
        """Say what this service offers."""
        return capabilities.offered(snapshots=self._identity.facts.snapshots)

    async def create_volume(self, message: csi.CreateVolumeRequest) -> csi.CreateVolumeResponse:
        """Make a volume, or find it made."""
        call_log.about(volume_name=message.name)
        wanted = requests.create_volume(message, self._identity)
        volume = await self._work.volumes.create(wanted)
        call_log.tell(volume_id=volume.id, size_bytes=volume.size_bytes)
        return replies.created(volume, wanted.source, wanted.context, self._identity)

    async def delete_volume(self, message: csi.DeleteVolumeRequest) -> csi.DeleteVolumeResponse:
        """Delete a volume that nothing is attached to."""
        await self._work.volumes.delete(requests.undone_id(message.volume_id, "volume"))
        return csi.DeleteVolumeResponse()

    async def controller_publish_volume(
        self, message: csi.ControllerPublishVolumeRequest
    ) -> csi.ControllerPublishVolumeResponse:
        """Attach a volume to the named node."""
        wanted = requests.publish(message, self._identity.driver_name)
        published = await self._work.attachments.publish(wanted)
        return replies.published(published, self._identity.driver_name)

    async def controller_unpublish_volume(
        self, message: csi.ControllerUnpublishVolumeRequest
    ) -> csi.ControllerUnpublishVolumeResponse:
        """Detach a volume from the named node."""
        await self._work.attachments.unpublish(requests.unpublish(message))
        return csi.ControllerUnpublishVolumeResponse()

    async def validate_volume_capabilities(
        self, message: csi.ValidateVolumeCapabilitiesRequest
    ) -> csi.ValidateVolumeCapabilitiesResponse:
        """Confirm what the volume can do, or say what it cannot."""
        volume_id = requests.volume_id(message.volume_id)
        if not message.volume_capabilities:
            raise errors.InvalidArgument("the request has no volume capability")
        volume = await self._work.volumes.get(volume_id)
        text = requests.problem(message.volume_capabilities, message.volume_context) or self._misfit(
            volume, message.volume_context
        )
        return csi.ValidateVolumeCapabilitiesResponse(message=text) if text else replies.confirmed(message)

    def _misfit(self, volume: Volume, context: Mapping[str, str]) -> str:
        """Describe how the volume context disagrees with the cloud; empty if they agree."""
        driver_name = self._identity.driver_name
        told = context.get(volume_origin_key(driver_name), "")
        origin = told if volume.origin is None else volume.origin.origin  # None: the cloud does not tell
        if told != origin:
            return (
                f"the volume context says that the volume was made of a {told or 'blank disk'}, not {origin or 'blank'}"
            )
        name = context.get(volume_name_key(driver_name), volume.name)
        return "" if name == volume.name else f"the volume context names {shown(name)}, the cloud {volume.name}"

    async def list_volumes(self, message: csi.ListVolumesRequest) -> csi.ListVolumesResponse:
        """Tell of a page of the zone's volumes, with the nodes they are published to."""
        volumes, token = await self._work.listing.volumes(requests.listing(message.max_entries, message.starting_token))
        return replies.volumes_page(volumes, token, self._identity)

    async def controller_get_volume(self, message: csi.ControllerGetVolumeRequest) -> csi.ControllerGetVolumeResponse:
        """Tell of one volume, with the nodes it is published to."""
        return replies.volume_status(
            await self._work.volumes.get(requests.volume_id(message.volume_id)), self._identity
        )

    async def get_capacity(self, message: csi.GetCapacityRequest) -> csi.GetCapacityResponse:
        """Tell what can be made; nothing of what the driver does not offer."""
        zone = requests.capacity_zone(message, self._identity)
        offers = self._work.capacity
        return replies.capacity(offers.nothing if zone is None else await offers.capacity(zone))

    async def controller_expand_volume(
        self, message: csi.ControllerExpandVolumeRequest
    ) -> csi.ControllerExpandVolumeResponse:
        """Grow a volume; a node that has a file system on it must grow that too."""
        wanted = requests.expand(message)
        size_bytes, is_new = await self._work.volumes.expand(wanted)
        call_log.tell(outcome="grown" if is_new else "was_grown", size_bytes=size_bytes)
        return csi.ControllerExpandVolumeResponse(
            capacity_bytes=size_bytes, node_expansion_required=wanted.access is not AccessType.BLOCK
        )

    async def controller_modify_volume(
        self, message: csi.ControllerModifyVolumeRequest
    ) -> csi.ControllerModifyVolumeResponse:
        """Change what of a volume can be changed: its labels."""
        put, taken = await self._work.volumes.modify(requests.modify(message, self._identity))
        changed = {"tags": ",".join(put), "absent_tags": ",".join(taken)}
        call_log.tell(outcome="modified" if put or taken else "was_modified", **changed)
        return csi.ControllerModifyVolumeResponse()

    async def create_snapshot(self, message: csi.CreateSnapshotRequest) -> csi.CreateSnapshotResponse:
        """Take a snapshot, or find it taken."""
        call_log.about(name=message.name, volume_id=message.source_volume_id)
        snapshot = await self._work.snapshots.create(requests.take_snapshot(message, self._identity))
        call_log.tell(snapshot_id=snapshot.id, size_bytes=snapshot.min_size_bytes)
        return csi.CreateSnapshotResponse(snapshot=replies.snapshot_message(snapshot))

    async def delete_snapshot(self, message: csi.DeleteSnapshotRequest) -> csi.DeleteSnapshotResponse:
        """Delete a snapshot."""
        await self._work.snapshots.delete(requests.undone_id(message.snapshot_id, "snapshot"))
        return csi.DeleteSnapshotResponse()

    async def get_snapshot(self, message: csi.GetSnapshotRequest) -> csi.GetSnapshotResponse:
        """Tell of one snapshot."""
        snapshot = await self._work.snapshots.get(requests.snapshot_id(message.snapshot_id))
        return csi.GetSnapshotResponse(snapshot=replies.snapshot_message(snapshot))

    async def list_snapshots(self, message: csi.ListSnapshotsRequest) -> csi.ListSnapshotsResponse:
        """Tell of one snapshot, of those of a volume, or of a page of all; a malformed id matches nothing."""
        asked = requests.listing(message.max_entries, message.starting_token)
        source = requests.volume_id(message.source_volume_id) if message.source_volume_id else ""
        if message.snapshot_id:
            found = await self._work.listing.snapshot(requests.snapshot_id(message.snapshot_id), source)
            return replies.snapshots_page(found)
        snapshots, token = await self._work.listing.snapshots(asked, source)
        return replies.snapshots_page(snapshots, token)

    async def controller_get_volume_health(
        self, message: csi.ControllerGetVolumeHealthRequest
    ) -> csi.ControllerGetVolumeHealthResponse:
        """Tell how a volume is."""
        told = await self._work.health.of_one(requests.volume_id(message.volume_id))
        return csi.ControllerGetVolumeHealthResponse(volume_health=replies.health(told))

    async def controller_list_volume_health(
        self, message: csi.ControllerListVolumeHealthRequest
    ) -> csi.ControllerListVolumeHealthResponse:
        """Tell how a page of volumes are."""
        asked = requests.listing(message.max_entries, message.starting_token)
        told, token = await self._work.health.page(asked)
        return csi.ControllerListVolumeHealthResponse(entries=[replies.health(each) for each in told], next_token=token)
