"""The rate limit's windows slide, and can be compressed."""

import pytest

from localcloud.api_errors import Problem
from localcloud.clock import Clock
from localcloud.rates import HOUR_SECONDS, MINUTE_SECONDS, Budget, Rates


class SetClock(Clock):
    """A clock that shows what the test says."""

    moment = 1_000_000.0

    def now(self) -> float:
        return self.moment


def refusal(rates: Rates) -> str | None:
    """Return the ``retry-after`` of the refusal."""
    with pytest.raises(Problem) as raised:
        rates.admit()
    assert raised.value.status == 429
    return raised.value.retry_after


def test_a_request_is_forgotten_one_window_after_it_came() -> None:
    clock = SetClock()
    rates = Rates(clock, hour_limit=0, minute_limit=2)
    rates.admit()
    clock.moment += 50
    rates.admit()
    assert refusal(rates) == "10"
    clock.moment += 10
    rates.admit()
    assert refusal(rates) == "50"


def test_a_refused_request_is_not_counted() -> None:
    clock = SetClock()
    rates = Rates(clock, hour_limit=10, minute_limit=1)
    rates.admit()
    refusal(rates)
    assert rates.budget().remaining == 9


def test_the_spent_hour_does_not_say_when_to_come_back() -> None:
    rates = Rates(SetClock(), hour_limit=1, minute_limit=1)
    rates.admit()
    assert refusal(rates) is None


def test_the_budget_is_reset_when_the_oldest_request_falls_out() -> None:
    clock = SetClock()
    rates = Rates(clock, hour_limit=10, minute_limit=0)
    rates.admit()
    clock.moment += 100
    rates.admit()
    assert rates.budget() == Budget(10, 8, int(clock.moment - 100 + HOUR_SECONDS))


def test_windows_pass_faster_by_the_time_scale() -> None:
    clock = SetClock(scale=60)
    rates = Rates(clock, hour_limit=0, minute_limit=1)
    rates.admit()
    clock.moment += MINUTE_SECONDS / 60
    rates.admit()


def test_requests_of_the_last_minute_are_counted_without_a_limit_too() -> None:
    clock = SetClock()
    rates = Rates(clock, hour_limit=0, minute_limit=0)
    for _ in range(3):
        rates.admit()
    assert rates.last_minute() == 3
    clock.moment += MINUTE_SECONDS
    assert rates.last_minute() == 0
