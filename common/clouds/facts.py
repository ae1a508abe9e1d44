"""What controller, node and chart must know of a cloud alike; what the controller alone needs is in its Traits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloudFacts:
    """Facts of a cloud.

    ``zone_key`` is the topology key of a zone; ``firmware_vendor`` what SMBIOS calls the vendor of its servers, empty
    if it does not tell their ids. Paths are below the root of the metadata service.
    """

    zone_key: str
    snapshots: bool
    firmware_vendor: str
    metadata_root: str
    metadata_id_path: str
    metadata_zone_path: str
    api_root: str
