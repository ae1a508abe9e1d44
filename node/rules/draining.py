"""What a node that is being drained waits for before its driver ends: until the volumes have left the host.

That a disk has gone is the detach, seen without a credential.
"""

from collections.abc import Collection, Iterable, Mapping

from node.records.kernel import Facts
from node.records.state import Staged

Disks = Mapping[str, str]  # by the volume's id: what names this attachment of its disk


def disk_number(record: Staged) -> str:
    """Return the number of a staged volume's disk."""
    return record.disk or record.number


def attachment(facts: Facts) -> str:
    """Return what names this attachment of a disk."""
    return f"{facts.number} {facts.sequence} {facts.backing_file}"


def left(seen: Disks, staged: Iterable[Staged], present: Collection[str]) -> tuple[str, ...]:
    """Return the volumes that have not left: those that are staged, and those whose disk, ``seen`` before, is there."""
    still = {record.volume_id for record in staged}
    return tuple(sorted(still | {volume_id for volume_id, disk in seen.items() if disk in present}))
