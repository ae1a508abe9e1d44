"""What ails a volume, judged from what the cloud tells of it. Source: CSI 1.13 "VolumeHealth"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from controller.cloud.base import Action, Droplet, Progress, Volume


class Severity(Enum):
    """How bad it is, in CSI's words."""

    DEGRADED = "DEGRADED"
    INACCESSIBLE = "INACCESSIBLE"
    DATA_LOSS = "DATA_LOSS"


@dataclass(frozen=True)
class Ailment:
    """One thing that is wrong; ``reason`` is stable, in CamelCase."""

    severity: Severity
    reason: str
    message: str


def of_volume(volume: Volume, droplets: Mapping[int, Droplet | None], actions: Sequence[Action]) -> list[Ailment]:
    """Return what is wrong with a volume.

    ``droplets`` are those that hold it, None for one that the cloud does not know;
    ``actions``: the volume's, newest first, as far as they were asked for.
    """
    found = [_of_holder(volume, holder, droplets.get(holder)) for holder in volume.droplet_ids]
    if len(volume.droplet_ids) > 1:
        holders = ", ".join(map(str, volume.droplet_ids))
        found.append(Ailment(Severity.DEGRADED, "AttachedTwice", f"volume {volume.id} is on droplets {holders}"))
    if actions and actions[0].progress is Progress.ERRORED:
        text = f"the last action on volume {volume.id}, {actions[0].kind.value} {actions[0].id}, failed"
        found.append(Ailment(Severity.DEGRADED, "ActionErrored", text))
    return [ailment for ailment in found if ailment is not None]


def lost(volume_id: str) -> Ailment:
    """Tell of a volume that vanished without our doing."""
    text = f"volume {volume_id} is gone from the cloud, and this driver did not delete it"
    return Ailment(Severity.DATA_LOSS, "VolumeGone", text)


def _of_holder(volume: Volume, holder: int, droplet: Droplet | None) -> Ailment | None:
    if droplet is None:
        text = f"volume {volume.id} is attached to droplet {holder}, which the cloud does not know"
        return Ailment(Severity.INACCESSIBLE, "AttachedToUnknownDroplet", text)
    if not droplet.active:
        text = f"volume {volume.id} is attached to droplet {holder}, which is not active"
        return Ailment(Severity.INACCESSIBLE, "DropletNotActive", text)
    return None
