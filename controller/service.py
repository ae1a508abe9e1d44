"""The CSI Controller service: each RPC parses, acts, replies.

Source: CSI 1.13 "Controller Service RPC".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common import errors
from common.attributes import volume_origin_key
from controller import replies, requests
from controller.attachments import Attachments
from controller.rules import origins
from controller.volumes import Volumes
from csi_proto.csi import v1 as csi


@dataclass(frozen=True)
class Identity:
    """Who this controller is: its driver name, region, and the tags of its cluster."""

    driver_name: str
    region: str
    tags: Sequence[str] = ()


class Controller(csi.ControllerBase):
    """Serves the CSI Controller service."""

    def __init__(self, identity: Identity, volumes: Volumes, attachments: Attachments) -> None:
        self._identity = identity
        self._volumes = volumes
        self._attachments = attachments

    async def controller_get_capabilities(
        self,
        message: csi.ControllerGetCapabilitiesRequest,  # noqa: ARG002  # an empty message
    ) -> csi.ControllerGetCapabilitiesResponse:
        """Say what this service offers."""
        return replies.capabilities()

    async def create_volume(self, message: csi.CreateVolumeRequest) -> csi.CreateVolumeResponse:
        """Make a volume, or find it made."""
        wanted = requests.create_volume(message, self._identity.region, self._identity.tags)
        volume = await self._volumes.create(wanted)
        return replies.created(volume, wanted.source, wanted.context, self._identity.driver_name)

    async def delete_volume(self, message: csi.DeleteVolumeRequest) -> csi.DeleteVolumeResponse:
        """Delete a volume that nothing is attached to."""
        volume_id = requests.deletable(message.volume_id, "volume")
        if volume_id is not None:
            await self._volumes.delete(volume_id)
        return csi.DeleteVolumeResponse()

    async def controller_publish_volume(
        self, message: csi.ControllerPublishVolumeRequest
    ) -> csi.ControllerPublishVolumeResponse:
        """Attach a volume to the named node."""
        published = await self._attachments.publish(requests.publish(message))
        return replies.published(published, self._identity.driver_name)

    async def controller_unpublish_volume(
        self, message: csi.ControllerUnpublishVolumeRequest
    ) -> csi.ControllerUnpublishVolumeResponse:
        """Detach a volume from the named node."""
        await self._attachments.unpublish(requests.unpublish(message))
        return csi.ControllerUnpublishVolumeResponse()

    async def validate_volume_capabilities(
        self, message: csi.ValidateVolumeCapabilitiesRequest
    ) -> csi.ValidateVolumeCapabilitiesResponse:
        """Confirm what the volume can do, or say what it cannot."""
        volume_id = requests.volume_id(message.volume_id)
        if not message.volume_capabilities:
            raise errors.InvalidArgument("the request has no volume capability")
        volume = await self._volumes.get(volume_id)
        told = message.volume_context.get(volume_origin_key(self._identity.driver_name), "")
        origin = origins.read(volume.description).origin
        text = requests.problem(message.volume_capabilities)
        if not text and told != origin:
            text = (
                f"the volume context says that the volume was made of a {told or 'blank disk'}, not {origin or 'blank'}"
            )
        return csi.ValidateVolumeCapabilitiesResponse(message=text) if text else replies.confirmed(message)
