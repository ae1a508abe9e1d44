from collections.abc import Callable

import pytest

from controller.pacing.hour_limit import PROBE_AGAIN_SECONDS, PROBE_SECONDS, RARE_PROBE_SECONDS, HourLimit
from controller.pacing.limit_headers import Told

HOUR = 3600.0
LISTS, ATTACHES = 0.1, 0.01  # what these must leave to others


def told(*, refills: bool, remaining: int, reset_seconds: float) -> HourLimit:
    limit = HourLimit(refills=refills)
    limit.use(0.0)
    limit.end()
    limit.learn(Told(3600, remaining, reset_seconds), 0.0)
    return limit


@pytest.mark.parametrize(
    ("remaining", "reserve", "opens_at"),
    [
        pytest.param(300, LISTS, 69.0, id="a list, 300 left"),
        pytest.param(3, ATTACHES, 42.0, id="an attach, 3 left"),
        pytest.param(400, LISTS, 0.0, id="a list, enough left"),
        pytest.param(0, 0.0, 1.0, id="a detach, nothing left"),
    ],
)
def test_a_quota_that_refills_opens_as_soon_as_enough_has_come_back(
    remaining: int, reserve: float, opens_at: float
) -> None:
    limit = told(refills=True, remaining=remaining, reset_seconds=3600.0 - remaining)  # one a second comes back
    assert limit.opens_at(0.0, reserve) == opens_at


@pytest.mark.parametrize(
    ("remaining", "reserve", "opens_at"),
    [
        pytest.param(0, 0.0, 10.0, id="a detach: the oldest has come back"),
        pytest.param(30, ATTACHES, 24.0, id="an attach, 30 of 36 left"),
        pytest.param(300, LISTS, 78.0, id="a list, 300 of 360 left"),
        pytest.param(0, LISTS, 120.0, id="a list, so few left that one asks before"),
    ],
)
def test_an_hour_that_rolls_opens_when_enough_should_have_come_back(
    remaining: int, reserve: float, opens_at: float
) -> None:
    limit = told(refills=False, remaining=remaining, reset_seconds=10.0)
    assert limit.opens_at(0.0, reserve) == opens_at


def test_a_number_that_is_nearly_used_up_is_asked_for_again_though_it_may_hold_for_an_hour() -> None:
    limit = told(refills=False, remaining=3, reset_seconds=3600.0)  # as one odd reply may say
    assert limit.opens_at(0.0, ATTACHES) == RARE_PROBE_SECONDS


@pytest.mark.parametrize("came_back", [HourLimit.unanswered, HourLimit.give_back], ids=["no answer", "never left"])
def test_a_request_that_learned_nothing_is_soon_followed_by_another(
    came_back: Callable[[HourLimit, float], None],
) -> None:
    limit = told(refills=False, remaining=0, reset_seconds=HOUR)
    assert limit.opens_at(0.0, 0.0) == PROBE_SECONDS
    limit.use(PROBE_SECONDS)
    came_back(limit, PROBE_SECONDS + 1)
    assert limit.opens_at(PROBE_SECONDS + 1, 0.0) == PROBE_SECONDS + 1 + PROBE_AGAIN_SECONDS


def test_once_enough_should_have_come_back_one_request_asks_alone() -> None:
    limit = told(refills=False, remaining=0, reset_seconds=10.0)
    assert limit.opens_at(10.0, 0.0) == 10.0
    limit.use(10.0)
    assert limit.opens_at(11.0, 0.0) == 12.0


def test_replies_that_overtake_each_other_are_not_taken_for_requests_of_others() -> None:
    ours = HourLimit()
    _exchange(ours, [4999], now=0)
    _exchange(ours, [4996, 4997, 4998], now=1)
    assert _exchange(ours, [4995], now=1.5) == 0


def test_what_is_left_is_known_until_the_hour_begins_again() -> None:
    ours = HourLimit()
    assert ours.told(0.0) is None
    _exchange(ours, [4999], now=1.0)
    assert (ours.told(2.0), ours.told(3001.0)) == (4999, None)


def _exchange(ours: HourLimit, remaining: list[int], now: float) -> int:
    """Send so many requests at once, and learn from their replies in that order; return what others have sent."""
    for _ in remaining:
        ours.use(now)
    others = 0
    for each in remaining:
        ours.end()
        others += ours.learn(Told(5000, each, 3000.0), now)
    return others
