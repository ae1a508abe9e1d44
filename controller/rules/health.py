"""What ails a volume, judged from what the cloud tells of it. Source: CSI 1.13 "VolumeHealth"."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from controller.cloud.records import ActionState, Progress, Server, Volume


class Severity(Enum):
    """How bad it is, in CSI's words."""

    DEGRADED = "DEGRADED"
    INACCESSIBLE = "INACCESSIBLE"


@dataclass(frozen=True)
class Ailment:
    """One thing that is wrong; ``reason`` is stable, in CamelCase."""

    severity: Severity
    reason: str
    message: str


def of_volume(volume: Volume, servers: Mapping[str, Server | None], actions: Sequence[Progress]) -> list[Ailment]:
    """Return what is wrong with a volume.

    ``servers`` are those that hold it, None for one that the cloud does not know;
    ``actions``: the volume's, newest first, as far as they were asked for.
    """
    found = [_of_holder(volume, holder, servers.get(holder)) for holder in volume.server_ids]
    if len(volume.server_ids) > 1:
        holders = ", ".join(volume.server_ids)
        found.append(Ailment(Severity.DEGRADED, "AttachedTwice", f"volume {volume.id} is on nodes {holders}"))
    if actions and actions[0].state is ActionState.ERRORED:
        last = actions[0].action
        why = f": {actions[0].error}" if actions[0].error else ""
        text = f"the last action on volume {volume.id}, {last.kind.value} {last.id}, failed{why}"
        found.append(Ailment(Severity.DEGRADED, "ActionErrored", text))
    return _merged(ailment for ailment in found if ailment is not None)


def _of_holder(volume: Volume, holder: str, server: Server | None) -> Ailment | None:
    if server is None:
        text = f"volume {volume.id} is attached to node {holder}, which the cloud does not know"
        return Ailment(Severity.INACCESSIBLE, "AttachedToUnknownServer", text)
    if not server.active and server.changing:
        text = f"volume {volume.id} is attached to node {holder}, which is being started, stopped or changed"
        return Ailment(Severity.INACCESSIBLE, "ServerChanging", text)
    if not server.active:
        text = f"volume {volume.id} is attached to node {holder}, which is not active"
        return Ailment(Severity.INACCESSIBLE, "ServerNotActive", text)
    return None


def _merged(ailments: Iterable[Ailment]) -> list[Ailment]:
    """Tell what has the same severity and reason once: CSI 1.13 allows no second entry with both."""
    same: dict[tuple[Severity, str], list[str]] = {}
    for each in ailments:
        same.setdefault((each.severity, each.reason), []).append(each.message)
    return [Ailment(severity, reason, "; ".join(messages)) for (severity, reason), messages in same.items()]
