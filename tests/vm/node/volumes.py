"""A volume as a guest's node service is asked for it, and its disk."""

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path

from localcloud.guests.drives import Drive
from tools.csi.kubelet import NodeRequests, attached, used_as
from tools.services.stack import DRIVER_NAME

MIB, GIB = 1 << 20, 1 << 30
KUBELET = "/var/lib/kubelet"


def new_name() -> str:
    """Return a name as the controller gives it: 40 characters."""
    return f"pvc-{uuid.uuid4()}"


@dataclass(frozen=True, kw_only=True)
class Volume(NodeRequests):
    """A volume, its file on the host, and what kubelet would ask for."""

    file: Path
    name: str
    socket: Path | None = None  # of the process that serves the file; none: the guest has the file itself

    @property
    def drive(self) -> Drive:
        """The volume as a guest's disk."""
        return Drive(self.name, self.socket or self.file, served=self.socket is not None)

    @property
    def link(self) -> str:
        """The link that udev makes in the guest."""
        return f"/dev/disk/by-id/scsi-0DO_Volume_{self.name}"

    def digest(self) -> str:
        """Return a hash of every byte of its file."""
        with self.file.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()

    def written_bytes(self) -> int:
        """Return how much of its file has data: 0 as long as nobody has written to it."""
        return self.file.stat().st_blocks * 512


def volume_on(file: Path, name: str, kind: str) -> Volume:
    """Return the volume of that name, whose data is in the file. No kind: raw block."""
    volume_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    return Volume(
        id=volume_id,
        publish_context=attached(name),
        staging_path=f"{KUBELET}/plugins/kubernetes.io/csi/{DRIVER_NAME}/{volume_id}/globalmount",
        target=f"{KUBELET}/pods/pod/volumes/kubernetes.io~csi/{volume_id}/mount",
        capability=used_as(kind),
        file=file,
        name=name,
    )
