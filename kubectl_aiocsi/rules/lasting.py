"""What has only begun is not stuck: how long things may take that get ready by themselves."""

from datetime import datetime, timedelta

from kubectl_aiocsi.records import Snapshot

SETTLES = timedelta(minutes=1)  # an attach, a pod of the driver that starts, a node that boots
SLOW = timedelta(minutes=5)  # what nothing tells a cause of


def has_lasted(snapshot: Snapshot, since: datetime | None, limit: timedelta = SETTLES) -> bool:
    """Whether something has been so for longer than ``limit``; what does not say since when has."""
    return since is None or snapshot.now - since > limit
