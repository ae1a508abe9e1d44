"""Limits of snapshots, and when they will have passed."""

from collections.abc import Sequence
from datetime import UTC, datetime

from common import errors
from controller.cloud.records import Snapshot
from controller.cloud.traits import SnapshotLimits
from controller.codes import Code


def snapshot_refused(
    volume_id: str, existing: Sequence[Snapshot], limits: SnapshotLimits, now: float, words: str
) -> errors.DriverError:
    """Say why a snapshot was refused, and when it will be taken. ``now`` is seconds since 1970.

    If no snapshot that is shown explains it, the one that does may be that of the call before: that is not final.
    """
    if len(existing) >= limits.per_volume:
        return errors.ResourceExhausted(
            f"volume {volume_id} has {len(existing)} snapshots, as many as the cloud keeps",
            remedy="delete one; its oldest is " + min(existing, key=lambda each: each.created_at).name,
            error_code=Code.SNAPSHOT_LIMIT,
        )
    latest = max((each.created_at for each in existing), default=now)
    at = latest + limits.interval_seconds
    when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    is_explained = bool(existing) and at > now
    return (errors.ResourceExhausted if is_explained else errors.Unavailable)(
        f"the cloud takes one snapshot of volume {volume_id} every {limits.interval_seconds / 60:g} minutes:"
        f" retry after {max(1.0, at - now):.0f} s, at {when} ({words})",
        error_code=Code.SNAPSHOT_LIMIT,
    )
