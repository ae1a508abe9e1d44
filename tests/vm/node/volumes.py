"""A volume as a guest's node service is asked for it: each request of its life."""

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path

from csi_proto.csi import v1 as csi
from localcloud.guests.drives import Drive
from tools.csi.life import mounted, raw
from tools.services.stack import DRIVER_NAME

MIB, GIB = 1 << 20, 1 << 30
KUBELET = "/var/lib/kubelet"


def new_name() -> str:
    """Return a name as the controller gives it: 40 characters."""
    return f"pvc-{uuid.uuid4()}"


@dataclass(frozen=True)
class Volume:
    """A volume, its file on the host, and what kubelet would ask for."""

    file: Path
    name: str
    kind: str
    socket: Path | None = None  # of the process that serves the file; none: the guest has the file itself

    @property
    def id(self) -> str:
        """The volume's id."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.name))

    @property
    def drive(self) -> Drive:
        """The volume as a guest's disk."""
        return Drive(self.name, self.socket or self.file, served=self.socket is not None)

    @property
    def link(self) -> str:
        """The link that udev makes in the guest."""
        return f"/dev/disk/by-id/scsi-0DO_Volume_{self.name}"

    @property
    def staging_path(self) -> str:
        """Where kubelet stages it."""
        return f"{KUBELET}/plugins/kubernetes.io/csi/{DRIVER_NAME}/{self.id}/globalmount"

    @property
    def target(self) -> str:
        """Where kubelet publishes it for a pod."""
        return f"{KUBELET}/pods/pod/volumes/kubernetes.io~csi/{self.id}/mount"

    @property
    def context(self) -> dict[str, str]:
        """The controller's word to the node."""
        return {f"{DRIVER_NAME}/volume-name": self.name}

    @property
    def capability(self) -> csi.VolumeCapability:
        """How it is used. No kind: raw block."""
        return mounted(self.kind) if self.kind else raw()

    def stage(self) -> csi.NodeStageVolumeRequest:
        return csi.NodeStageVolumeRequest(
            volume_id=self.id,
            publish_context=self.context,
            staging_target_path=self.staging_path,
            volume_capability=self.capability,
        )

    def publish(self) -> csi.NodePublishVolumeRequest:
        return csi.NodePublishVolumeRequest(
            volume_id=self.id,
            publish_context=self.context,
            staging_target_path=self.staging_path,
            target_path=self.target,
            volume_capability=self.capability,
        )

    def unpublish(self) -> csi.NodeUnpublishVolumeRequest:
        return csi.NodeUnpublishVolumeRequest(volume_id=self.id, target_path=self.target)

    def unstage(self) -> csi.NodeUnstageVolumeRequest:
        return csi.NodeUnstageVolumeRequest(volume_id=self.id, staging_target_path=self.staging_path)

    def expand(self, size_bytes: int) -> csi.NodeExpandVolumeRequest:
        return csi.NodeExpandVolumeRequest(
            volume_id=self.id,
            volume_path=self.target,
            staging_target_path=self.staging_path,
            capacity_range=csi.CapacityRange(required_bytes=size_bytes),
            volume_capability=self.capability,
        )

    def stats(self) -> csi.NodeGetVolumeStatsRequest:
        return csi.NodeGetVolumeStatsRequest(
            volume_id=self.id, volume_path=self.target, staging_target_path=self.staging_path
        )

    def health(self) -> csi.NodeGetVolumeHealthRequest:
        return csi.NodeGetVolumeHealthRequest(
            volume_id=self.id, volume_publish_path=self.target, staging_target_path=self.staging_path
        )

    def digest(self) -> str:
        """Return a hash of every byte of its file."""
        with self.file.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()

    def written_bytes(self) -> int:
        """Return how much of its file has data: 0 as long as nobody has written to it."""
        return self.file.stat().st_blocks * 512
