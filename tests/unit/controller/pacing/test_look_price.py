from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.cloud.records import Kind
from controller.pacing.action_durations import EDGES, Distribution, Durations
from controller.pacing.look_price import CHEAP, DEAR, LONGEST_SECONDS, Awaited, Left, next_look, plenty, price, weight
from tests.unit.controller.world import FULL, SCARCE

BUSY = FULL._replace(minute=0, waiting=1000)


def even(low: float, high: float) -> Distribution:
    """Actions that take between so many seconds, each as often."""
    inside = (max(0.0, min(right, high) - max(left, low)) for left, right in pairwise(EDGES))
    return Distribution(list(inside))


def test_a_request_is_cheap_while_the_budget_is_full() -> None:
    assert price(FULL) == pytest.approx(CHEAP)


@pytest.mark.parametrize(
    "left",
    [
        pytest.param(SCARCE, id="less than a fifth of the hour"),
        pytest.param(FULL._replace(hour=2000, minute=125), id="less than that soon, at this speed"),
        pytest.param(FULL._replace(minute=0), id="nothing of the minute"),
        pytest.param(FULL._replace(hour_limit=0, hour=0), id="not known"),
        pytest.param(FULL._replace(hour=1200, reset_seconds=1e9, minute=230), id="a clock that is off"),
    ],
)
def test_a_request_is_dear_when_little_is_left(left: Left) -> None:
    assert plenty(left) < 0.15
    assert price(left) > 0.5 * DEAR


def test_while_requests_wait_each_costs_all_of_them_their_time() -> None:
    assert price(BUSY) == pytest.approx(DEAR + 1000 * 60 / 250)


LEFTS = st.builds(
    Left,
    st.sampled_from([0, 5000]),
    st.integers(0, 5000),
    st.floats(0, 3600),
    st.just(250),
    st.integers(0, 250),
    st.integers(0, 9),
)


@given(LEFTS, st.integers(0, 5000))
def test_a_request_is_never_cheaper_when_less_is_left(left: Left, less: int) -> None:
    poorer = left._replace(hour=min(left.hour, less), minute=min(left.minute, less))
    assert price(poorer) >= price(left)
    assert 0 < price(left) < 10


@given(LEFTS)
def test_below_a_fifth_of_the_hour_nothing_is_spent_for_speed_alone(left: Left) -> None:
    assert left.hour >= 1000 or plenty(left) == 0


def test_the_look_comes_at_the_end_of_a_steady_duration() -> None:
    assert next_look([Awaited(even(1.45, 1.5), 0, 0, 1)], CHEAP) == pytest.approx(1.48, abs=0.06)


def test_at_an_even_chance_looks_are_as_far_apart_as_the_theory_says() -> None:
    after = next_look([Awaited(even(1, 11), 1, 1, 1)], 0.05)
    assert after == pytest.approx(sqrt(2 * 0.05 * 10), rel=0.1)


def test_more_that_wait_are_looked_at_sooner() -> None:
    one, many = Awaited(even(1, 11), 1, 1, 1), Awaited(even(1, 11), 1, 1, 9)
    assert next_look([many], 0.1) == pytest.approx(next_look([one], 0.1) / 3, rel=0.15)
    assert next_look([one] * 100, 0.1) == pytest.approx(next_look([one], 0.1) / 10, rel=0.25)


def test_what_will_begin_is_worth_waiting_for_when_requests_are_dear() -> None:
    one = [Awaited(even(1.4, 1.5), 1.5, 1.4, 1)]
    assert next_look(one, 24.0) < 0.1
    assert next_look(one, 24.0, arriving=4.0) > 2.0


def test_those_behind_in_the_line_count_unless_requests_wait_for_the_rate_limit() -> None:
    assert weight(0, 1, 14, FULL) > 4 * weight(0, 1, 0, FULL)
    assert weight(0, 1, 14, BUSY) == weight(0, 1, 0, BUSY)


@given(st.floats(0, 1000), st.floats(0, 1), st.floats(0.001, 100))
def test_whatever_is_known_the_next_look_is_neither_before_now_nor_never(age: float, part: float, dear: float) -> None:
    one = Awaited(Durations().of(Kind.ATTACH), age, age * part, 1)
    assert 0 <= next_look([one], dear) <= LONGEST_SECONDS * 1.2
