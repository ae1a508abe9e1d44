"""What a caller is told whose snapshot the cloud does not take."""

import pytest

from common import errors
from controller.cloud.records import Snapshot
from controller.cloud.traits import SnapshotLimits
from controller.rules.snapshot_limits import snapshot_refused

LIMITS = SnapshotLimits(per_volume=2, interval_seconds=600)
NOON = 1_700_000_000.0


def snapshot(name: str, created_at: float) -> Snapshot:
    return Snapshot(f"id-of-{name}", name, "volume", 1 << 30, ("nyc1",), created_at)


def test_a_full_volume_is_told_with_the_oldest_snapshot_to_delete() -> None:
    refused = snapshot_refused("v", [snapshot("new", NOON), snapshot("old", NOON - 9)], LIMITS, NOON, "limit exceeded")
    assert refused.message == "volume v has 2 snapshots, as many as the cloud keeps"
    assert refused.remedy == "delete one; its oldest is old"


def test_a_snapshot_too_soon_after_another_is_told_when_it_will_be_taken() -> None:
    refused = snapshot_refused("v", [snapshot("last", NOON)], LIMITS, NOON + 60, "too soon")
    assert refused.message == (
        "the cloud takes one snapshot of volume v every 10 minutes: "
        "retry after 540 s, at 2023-11-14T22:23:20Z (too soon)"
    )


@pytest.mark.parametrize(
    ("taken", "now", "kind"),
    [
        ([snapshot("last", NOON)], NOON + 599, errors.ResourceExhausted),
        ([snapshot("last", NOON)], NOON + 600, errors.Unavailable),
        ([], NOON, errors.Unavailable),
    ],
)
def test_only_a_refusal_that_a_snapshot_explains_is_final(
    taken: list[Snapshot], now: float, kind: type[errors.DriverError]
) -> None:
    assert type(snapshot_refused("v", taken, LIMITS, now, "too soon")) is kind


def test_the_time_to_wait_is_a_whole_interval_after_a_snapshot_that_is_deleted() -> None:
    assert "retry after 600 s" in snapshot_refused("v", [], LIMITS, NOON, "too soon").message


def test_a_time_that_has_passed_is_not_told_as_one_to_wait() -> None:
    assert "retry after 1 s" in snapshot_refused("v", [snapshot("last", NOON)], LIMITS, NOON + 900, "too soon").message
