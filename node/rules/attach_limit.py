"""How many volumes of this driver a node can take: the cloud's limit, less what is attached and used otherwise.

A volume counts as somebody else's if it is mounted outside of kubelet's folders and this driver has not staged it, or
if device-mapper, md or partitions lie upon it. One that is merely attached may be staged next: it does not count.
"""

from node.records.kernel import Facts, Mount
from node.records.state import Staged
from node.rules import identity

_KUBELET = "/kubelet/"


def room(limit: int, disks: tuple[Facts, ...], mounts: tuple[Mount, ...], staged: tuple[Staged, ...]) -> int:
    """Return the limit to report; at least 1, since CSI reads 0 as "no limit"."""
    ours = {record.disk or record.number for record in staged}
    foreign = [
        disk
        for disk in disks
        if (disk.vendor, disk.model) == (identity.VENDOR, identity.MODEL)
        and disk.number not in ours
        and _is_foreign(disk, mounts)
    ]
    return max(1, limit - len(foreign))


def _is_foreign(disk: Facts, mounts: tuple[Mount, ...]) -> bool:
    points = [mount.point for mount in mounts if mount.number == disk.number]
    return bool(disk.holders or disk.partitions) or (bool(points) and not any(_KUBELET in point for point in points))
