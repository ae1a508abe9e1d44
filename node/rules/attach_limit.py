"""How many volumes of this driver a node can take: the cloud's limit, less what others use of it.

The limit is the cloud's, for all that is attached. The scheduler counts the volumes of this driver against it by their
names, so they are not counted here; every other volume of the cloud is, also one of another driver.
"""

import re
from dataclasses import dataclass

from node.records.kernel import Facts, Mount
from node.records.state import Staged
from node.rules import identity

IDLE_SECONDS = 120.0  # a volume that is attached and used by nobody is about to be staged, or detached, for so long
MOST = 256  # volumes: no cloud attaches more
_CSI_DRIVER = re.compile(r"/kubernetes\.io/csi/([^/]+)/")  # plugins/kubernetes.io/csi/<driver>/<hash>/globalmount


@dataclass(frozen=True)
class Attached:
    """What is attached to the node, and what is known of it."""

    disks: tuple[Facts, ...]
    mounts: tuple[Mount, ...]
    staged: tuple[Staged, ...]
    asked_for: frozenset[str] = frozenset()  # names of volumes that a call of this driver's was about
    told: str = ""  # how many it may be, as the Node's annotation says


@dataclass(frozen=True)
class Mine:
    """What tells this driver from others."""

    driver_name: str
    kubelet_dir: str


def most(told: str, limit: int) -> int:
    """Return how many volumes the node takes: what its annotation says, if that is such a number, else ``limit``."""
    return int(told) if re.fullmatch(r"[1-9][0-9]{0,2}", told) and int(told) <= MOST else limit


def room(limit: int, reserve: int, used: int) -> int:
    """Return the limit to report; at least 1, since CSI reads 0 as "no limit".

    ``reserve`` is the share of others, ``used`` what they have of it, or beyond it.
    """
    return max(1, limit - max(reserve, used))


def sort(attached: Attached, mine: Mine) -> tuple[tuple[Facts, ...], tuple[Facts, ...]]:
    """Return the volumes of the cloud that others use, and those that no one uses."""
    ours = {record.disk or record.number for record in attached.staged}
    unknown = [
        disk
        for disk in attached.disks
        if identity.of_cloud(disk) is not None
        and disk.number not in ours
        and not attached.asked_for & set(identity.names(disk.page83))
    ]
    points = {disk.number: _points(disk, attached.mounts) for disk in unknown}
    theirs = [disk for disk in unknown if disk.holders or any(not _is_mine(each, mine) for each in points[disk.number])]
    idle = [disk for disk in unknown if not disk.holders and not points[disk.number]]
    return tuple(theirs), tuple(idle)


def key(disk: Facts) -> str:
    """Return what names this attachment of a disk."""
    return f"{disk.number} {disk.sequence} {disk.page83.hex()}"


def _points(disk: Facts, mounts: tuple[Mount, ...]) -> list[str]:
    """Return where a disk, a partition of it or its device node is mounted."""
    names = {f"/{disk.kernel_name}", *(f"/{name}" for name in disk.partitions)}
    sources = {f"/dev{name}" for name in names}
    return [
        mount.point
        for mount in mounts
        if mount.number == disk.number or mount.source in sources or (mount.kind == "devtmpfs" and mount.root in names)
    ]


def _is_mine(point: str, mine: Mine) -> bool:
    """Tell whether a mount may be this driver's: kubelet's, and not for a driver of another name."""
    if not point.startswith(f"{mine.kubelet_dir}/"):
        return False
    named = _CSI_DRIVER.search(point)
    return named is None or named[1] in {mine.driver_name, "pv", "volumeDevices"}
