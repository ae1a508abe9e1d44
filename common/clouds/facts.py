"""What controller, node and chart must know of a cloud alike; what the controller alone needs is in its Traits."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DiskIdentity:
    """How a disk of the cloud says which volume it is: in VPD page 0x83, by the volume's name, or by its id.

    ``vendor`` and ``model`` are those of its SCSI inquiry. udev's link is ``link_prefix`` and the same name or id.
    """

    vendor: str
    model: str
    link_prefix: str
    by_id: bool = False

    def told(self, volume_id: str, volume_name: str) -> str:
        """Return what the disk of that volume carries."""
        return volume_id if self.by_id else volume_name


@dataclass(frozen=True, slots=True)
class CloudFacts:
    """Facts of a cloud.

    ``zone_key`` is the topology key of a zone, ``server_id`` a pattern of the servers' ids, ``firmware_vendor`` what
    SMBIOS calls the vendor of its servers, empty if it does not tell their ids. Paths are below the root of the
    metadata service.
    """

    zone_key: str
    server_id: str
    snapshots: bool
    firmware_vendor: str
    metadata_root: str
    metadata_id_path: str
    metadata_zone_path: str
    api_root: str
    disks: tuple[DiskIdentity, ...] = ()

    def is_server_id(self, text: str) -> bool:
        """Tell whether a server of the cloud can have that id."""
        return re.fullmatch(self.server_id, text) is not None
