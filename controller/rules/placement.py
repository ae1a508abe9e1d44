"""Where a volume may be: a volume serves one zone, that of the controller's cluster.

Source: CSI 1.13 "TopologyRequirement"; the segment's key is that of csi-digitalocean.
"""

from collections.abc import Mapping, Sequence

from common import errors
from common.context_keys import REGION_TOPOLOGY_KEY

Segments = Mapping[str, str]


def choose(requisite: Sequence[Segments], preferred: Sequence[Segments], zone: str) -> str:
    """Return the zone to use. Raises InvalidArgument for odd segments, ResourceExhausted for another zone."""
    allowed = [_zone(segments) for segments in (*requisite, *preferred)]
    if not allowed or zone in allowed:
        return zone
    raise errors.ResourceExhausted(
        f"it is asked for in zone {', '.join(sorted(set(allowed)))}, and this controller serves {zone}",
        remedy="use a StorageClass whose allowed topologies name the cluster's zone",
    )


def includes(segments: Segments, zone: str) -> bool:
    """Say whether those segments name that zone; no segments name all."""
    return not segments or _zone(segments) == zone


def _zone(segments: Segments) -> str:
    odd = sorted(set(segments) - {REGION_TOPOLOGY_KEY})
    if odd:
        raise errors.InvalidArgument(f"unknown topology key {odd[0]!r}; this driver knows {REGION_TOPOLOGY_KEY!r}")
    zone = segments.get(REGION_TOPOLOGY_KEY, "")
    if not zone:
        raise errors.InvalidArgument(f"a topology without a value for {REGION_TOPOLOGY_KEY!r}")
    return zone
