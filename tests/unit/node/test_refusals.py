"""What was refused for a volume is told when its health is asked for."""

import pytest

from common import errors
from node import refusals
from node.records.findings import Finding
from node.refusals import Refusals


def refuse(noted: Refusals, step: str, error: errors.DriverError, volume_id: str = "id") -> None:
    with pytest.raises(type(error)), noted.noting(step, volume_id, f"pvc-{volume_id}"):
        raise error


def test_each_step_has_its_last_refusal_with_the_reason_of_the_error() -> None:
    noted = Refusals()
    refuse(noted, refusals.STAGE, errors.Unavailable("no disk", reason="DeviceMissing"))
    refuse(noted, refusals.STAGE, errors.FailedPrecondition("odd", remedy="look"))
    refuse(noted, refusals.EXPAND, errors.Unavailable("full", remedy="make room"))
    assert noted.of("id") == (
        Finding("inaccessible", "StageRefused", "AIOCSI-G001: odd (remedy: look)"),
        Finding("degraded", "ExpandRefused", "AIOCSI-G002: full (remedy: make room)"),
    )
    assert noted.of("another") == ()
    assert noted.names() == {"pvc-id"}


def test_a_step_that_succeeds_and_a_volume_that_leaves_are_refused_no_longer() -> None:
    noted = Refusals()
    refuse(noted, refusals.STAGE, errors.Unavailable("no disk"))
    refuse(noted, refusals.PUBLISH, errors.Unavailable("no disk"))
    with noted.noting(refusals.STAGE, "id"):
        pass
    assert [each.reason for each in noted.of("id")] == ["PublishRefused"]
    noted.forget("id")
    assert noted.of("id") == ()


@pytest.mark.parametrize("error", [errors.Busy("other call"), errors.DeadlineExceeded("late")])
def test_a_call_that_came_at_the_wrong_moment_says_nothing_of_the_volume(error: errors.DriverError) -> None:
    noted = Refusals()
    refuse(noted, refusals.STAGE, error)
    assert noted.of("id") == ()


def test_no_more_are_noted_than_a_node_can_have() -> None:
    noted = Refusals()
    for number in range(refusals.MOST + 10):
        refuse(noted, refusals.STAGE, errors.Unavailable("no disk"), str(number))
    assert len(noted.names()) == refusals.MOST
