"""What kubelet asks of a node for one volume: each request of its life there, built in this one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from csi_proto.csi import v1 as csi
from tools.services.stack import DRIVER_NAME

Modes = csi.VolumeCapabilityAccessModeMode


def mounted(fs_type: str = "ext4", *flags: str, mode: Modes = Modes.SINGLE_NODE_WRITER) -> csi.VolumeCapability:
    """A file system on one node, as a PersistentVolumeClaim of mode Filesystem asks for."""
    mount = csi.VolumeCapabilityMountVolume(fs_type=fs_type, mount_flags=list(flags))
    return csi.VolumeCapability(mount=mount, access_mode=csi.VolumeCapabilityAccessMode(mode=mode))


def raw(mode: Modes = Modes.SINGLE_NODE_WRITER) -> csi.VolumeCapability:
    """The bare device on one node, as a PersistentVolumeClaim of mode Block asks for."""
    access_mode = csi.VolumeCapabilityAccessMode(mode=mode)
    return csi.VolumeCapability(block=csi.VolumeCapabilityBlockVolume(), access_mode=access_mode)


def used_as(fs_type: str) -> csi.VolumeCapability:
    """A file system of that type; without one, the bare device."""
    return mounted(fs_type) if fs_type else raw()


def attached(name: str, **facts: str) -> dict[str, str]:
    """The publish context of a volume with that name in the cloud, and further facts that a controller tells."""
    return {f"{DRIVER_NAME}/volume-name": name, **facts}


@dataclass(frozen=True)
class NodeRequests:
    """A volume on a node, as kubelet knows it."""

    id: str
    publish_context: Mapping[str, str]
    staging_path: str
    target: str
    capability: csi.VolumeCapability
    volume_context: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def stage(self) -> csi.NodeStageVolumeRequest:
        """NodeStageVolume."""
        return csi.NodeStageVolumeRequest(
            volume_id=self.id,
            publish_context=dict(self.publish_context),
            staging_target_path=self.staging_path,
            volume_capability=self.capability,
            volume_context=dict(self.volume_context),
            secrets=dict(self.secrets),
        )

    def publish(self, *, readonly: bool = False) -> csi.NodePublishVolumeRequest:
        """NodePublishVolume."""
        return csi.NodePublishVolumeRequest(
            volume_id=self.id,
            publish_context=dict(self.publish_context),
            staging_target_path=self.staging_path,
            target_path=self.target,
            volume_capability=self.capability,
            volume_context=dict(self.volume_context),
            readonly=readonly,
        )

    def expand(self, required_bytes: int = 0, limit_bytes: int = 0) -> csi.NodeExpandVolumeRequest:
        """NodeExpandVolume. 0 bytes: nothing is asked for."""
        return csi.NodeExpandVolumeRequest(
            volume_id=self.id,
            volume_path=self.target,
            staging_target_path=self.staging_path,
            capacity_range=csi.CapacityRange(required_bytes=required_bytes, limit_bytes=limit_bytes),
            volume_capability=self.capability,
            secrets=dict(self.secrets),
        )

    def stats(self) -> csi.NodeGetVolumeStatsRequest:
        """NodeGetVolumeStats."""
        return csi.NodeGetVolumeStatsRequest(
            volume_id=self.id, volume_path=self.target, staging_target_path=self.staging_path
        )

    def health(self) -> csi.NodeGetVolumeHealthRequest:
        """NodeGetVolumeHealth."""
        return csi.NodeGetVolumeHealthRequest(
            volume_id=self.id, volume_publish_path=self.target, staging_target_path=self.staging_path
        )

    def unpublish(self) -> csi.NodeUnpublishVolumeRequest:
        """NodeUnpublishVolume."""
        return csi.NodeUnpublishVolumeRequest(volume_id=self.id, target_path=self.target)

    def unstage(self) -> csi.NodeUnstageVolumeRequest:
        """NodeUnstageVolume."""
        return csi.NodeUnstageVolumeRequest(volume_id=self.id, staging_target_path=self.staging_path)
