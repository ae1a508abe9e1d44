import random
from collections.abc import Callable
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.cloud.records import Kind
from controller.pacing.action_durations import LONGEST_SECONDS, Distribution, Durations
from controller.pacing.look_price import CHEAP, DEAR, SHORTEST_SECONDS, Awaited, next_look, weight
from tests.unit.controller.world import FULL

ROUNDS = 100
TRIP_SECONDS = 0.08
Draw = Callable[[random.Random], float]


class Looker:
    """Looks at one action after the other as the poll does for one caller, and notes what that cost."""

    def __init__(self, price: float) -> None:
        self.price = price
        self.durations = Durations()
        self.looks: list[int] = []  # of each action
        self.late: list[float] = []  # seconds from its end to the look that found it

    def watch(self, seconds: float, told: float | None) -> None:
        """Watch an action that takes so long, and of which the cloud tells that it took ``told``."""
        now = looked = 0.0
        looks = 1
        while (age := self._next(now, looked)) < seconds:
            now, looked, looks = age + TRIP_SECONDS, age, looks + 1
        self.durations.ended(Kind.ATTACH, age, looked, told)
        self.looks.append(looks)
        self.late.append(age - seconds)

    def _next(self, now: float, looked: float) -> float:
        one = Awaited(self.durations.of(Kind.ATTACH), now, looked, weight(now, 1, 0, FULL))
        return now + max(SHORTEST_SECONDS, next_look([one], self.price))

    def learned(self, numbers: list[int] | list[float]) -> float:
        later = numbers[len(numbers) // 3 :]
        return sum(later) / len(later)


def watched(draw: Draw, price: float = CHEAP, *, stamped: bool = True) -> Looker:
    dice, looker = random.Random(7), Looker(price)  # noqa: S311  # decides nothing secret
    for _ in range(ROUNDS):
        seconds = draw(dice)
        looker.watch(seconds, floor(dice.random() + seconds) if stamped else None)
    return looker


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("seconds", [0.4, 1.5, 4.0])
def test_a_steady_duration_is_learned_and_then_met(seconds: float, stamped: bool) -> None:
    looker = watched(lambda _: seconds, stamped=stamped)
    assert looker.learned(looker.late) <= 0.05 + 0.05 * seconds
    assert looker.learned(looker.looks) <= (1.8 if stamped else 2.5)


def test_while_requests_are_dear_one_look_is_enough_for_durations_that_vary_a_little() -> None:
    looker = watched(lambda dice: dice.uniform(0.5, 1.5), DEAR)
    assert looker.learned(looker.looks) <= 1.1


def test_while_requests_are_cheap_durations_that_vary_are_met_soon_after_their_end() -> None:
    looker = watched(lambda dice: dice.uniform(0.5, 1.5))
    assert looker.learned(looker.late) <= 0.17
    assert looker.learned(looker.looks) <= 3


def test_actions_that_have_become_quick_are_found_out() -> None:
    durations = Durations()
    for _ in range(40):
        durations.ended(Kind.ATTACH, age=6.0, earlier=5.5, told=5)
    for _ in range(40):
        durations.ended(Kind.ATTACH, age=5.5, earlier=0.0, told=0)
    assert durations.of(Kind.ATTACH).median() <= 1.0


@pytest.mark.parametrize("told", [0, -5, None])
def test_a_time_stamp_that_a_look_contradicts_is_not_believed(told: float | None) -> None:
    durations = Durations()
    for _ in range(40):
        durations.ended(Kind.ATTACH, age=6.0, earlier=5.0, told=told)
    assert 5.0 < durations.of(Kind.ATTACH).median() <= 6.1


def test_kinds_are_learned_apart() -> None:
    durations = Durations()
    before = durations.of(Kind.ATTACH).median()
    for _ in range(20):
        durations.ended(Kind.DETACH, age=9.0, earlier=8.5)
    assert durations.of(Kind.ATTACH).median() == before
    assert durations.of(Kind.DETACH).median() > 8


AGES = st.floats(0.01, 2 * LONGEST_SECONDS)


@given(st.lists(st.tuples(AGES, AGES, st.none() | st.integers(-3, 2000)), max_size=8), AGES, AGES)
def test_whatever_was_seen_it_is_a_distribution(
    seen: list[tuple[float, float, int | None]], one: float, other: float
) -> None:
    durations = Durations()
    for age, earlier, told in seen:
        durations.ended(Kind.ATTACH, max(age, earlier) + 0.01, min(age, earlier), told)
    _is_a_distribution(durations.of(Kind.ATTACH), min(one, other), max(one, other))


def _is_a_distribution(found: Distribution, early: float, late: float) -> None:
    (ended, area), (ended_later, area_later) = found.ended(early), found.ended(late)
    assert 0 <= ended <= ended_later + 1e-9 <= 1 + 2e-9
    assert area - 1e-6 <= area_later <= area + (late - early) + 1e-6
    assert 0 < found.median() <= LONGEST_SECONDS * 1.05
