"""What was refused for a volume last, in memory: its health is asked for on purpose when it could not be staged.

Source: CSI 1.13 "NodeGetVolumeHealth"; pkg/kubelet/volumemanager/volumehealth (kubelet writes a condition again only
when its status and reason change, so what matters is in the reason).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from common import errors
from node.records.findings import Finding

MOST = 512  # volumes; a node takes far fewer
STAGE, PUBLISH, EXPAND = "Stage", "Publish", "Expand"
_PASSING = (errors.Busy, errors.DeadlineExceeded)  # say nothing about the volume
_SEVERITY = {STAGE: "inaccessible", PUBLISH: "inaccessible", EXPAND: "degraded"}


@dataclass(frozen=True)
class _Refusal:
    name: str
    error: errors.DriverError


class Refusals:
    """The last refusal of each step, of each volume."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], _Refusal] = {}

    @contextmanager
    def noting(self, step: str, volume_id: str, name: str = "") -> Iterator[None]:
        """Note what the step is refused with; that it succeeds takes the note away."""
        try:
            yield
        except _PASSING:
            raise
        except errors.DriverError as error:
            self._last.pop((volume_id, step), None)
            self._last[volume_id, step] = _Refusal(name, error)
            if len(self._last) > MOST:
                del self._last[next(iter(self._last))]
            raise
        self._last.pop((volume_id, step), None)

    def forget(self, volume_id: str) -> None:
        """The volume has left the node."""
        for step in _SEVERITY:
            self._last.pop((volume_id, step), None)

    def volumes(self) -> frozenset[tuple[str, str]]:
        """Return id and name of the volumes that are noted."""
        return frozenset((volume_id, each.name) for (volume_id, _), each in self._last.items())

    def names(self) -> frozenset[str]:
        """Return the names of the volumes that are noted."""
        return frozenset(each.name for each in self._last.values() if each.name)

    def of(self, volume_id: str) -> tuple[Finding, ...]:
        """Return what was refused, as findings."""
        noted = ((step, self._last.get((volume_id, step))) for step in _SEVERITY)
        return tuple(_finding(step, refusal.error) for step, refusal in noted if refusal is not None)


def _finding(step: str, error: errors.DriverError) -> Finding:
    return Finding(_SEVERITY[step], error.reason or f"{step}Refused", error.coded)
