"""Where a volume may be: a volume serves the servers of one zone.

Source: CSI 1.13 "TopologyRequirement"; the segment's key is that of csi-digitalocean.
"""

from collections.abc import Mapping, Sequence

from common import errors
from controller.codes import Code

Segments = Mapping[str, str]


def allowed(requisite: Sequence[Segments], preferred: Sequence[Segments], zone_key: str) -> tuple[str, ...]:
    """Return the zones that are named, the preferred ones first. Raises InvalidArgument for odd segments."""
    return tuple(dict.fromkeys(zone_of(segments, zone_key) for segments in (*preferred, *requisite)))


def choose(what: str, allowed: Sequence[str], zone: str, *, several: bool) -> str:
    """Return where to make a volume or snapshot; ``what`` names it. ``zone`` is the controller's.

    ``several``: it serves others too. Raises ResourceExhausted for a zone that it does not serve.
    """
    if several and allowed:
        return allowed[0]
    if not allowed or zone in allowed:
        return zone
    raise errors.ResourceExhausted(
        f"{what} is asked for in zone {', '.join(sorted(allowed))}, and this controller serves {zone}",
        remedy="use a StorageClass whose allowed topologies name the cluster's zone",
        error_code=Code.OTHER_ZONE,
    )


def zone_of(segments: Segments, zone_key: str) -> str:
    """Return the zone that the segments name. Raises InvalidArgument for odd ones."""
    odd = sorted(set(segments) - {zone_key})
    if odd:
        raise errors.InvalidArgument(
            f"unknown topology key {odd[0]!r}; this driver knows {zone_key!r}", error_code=Code.TOPOLOGY
        )
    zone = segments.get(zone_key, "")
    if not zone:
        raise errors.InvalidArgument(
            f"a topology of the request has no value for {zone_key!r}", error_code=Code.TOPOLOGY
        )
    return zone
