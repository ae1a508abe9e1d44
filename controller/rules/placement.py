"""Where a volume may be: a volume serves one region, that of the controller's cluster.

Source: CSI 1.13 "TopologyRequirement"; the segment's key is that of csi-digitalocean.
"""

from collections.abc import Mapping, Sequence

from common import errors
from common.context_keys import REGION_TOPOLOGY_KEY

Segments = Mapping[str, str]


def choose(requisite: Sequence[Segments], preferred: Sequence[Segments], region: str) -> str:
    """Return the region to use. Raises InvalidArgument for odd segments, ResourceExhausted for another region."""
    allowed = [_region(segments) for segments in (*requisite, *preferred)]
    if not allowed or region in allowed:
        return region
    raise errors.ResourceExhausted(
        f"it is asked for in region {', '.join(sorted(set(allowed)))}, and this controller serves {region}",
        remedy="use a StorageClass whose allowed topologies name the cluster's region",
    )


def includes(segments: Segments, region: str) -> bool:
    """Say whether those segments name that region; no segments name all."""
    return not segments or _region(segments) == region


def _region(segments: Segments) -> str:
    odd = sorted(set(segments) - {REGION_TOPOLOGY_KEY})
    if odd:
        raise errors.InvalidArgument(f"unknown topology key {odd[0]!r}; this driver knows {REGION_TOPOLOGY_KEY!r}")
    region = segments.get(REGION_TOPOLOGY_KEY, "")
    if not region:
        raise errors.InvalidArgument(f"a topology without a value for {REGION_TOPOLOGY_KEY!r}")
    return region
