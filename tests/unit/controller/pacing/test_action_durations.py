import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.cloud.base import Kind
from controller.pacing.action_durations import FIRST_GUESS_SECONDS, LONGEST_PAUSE_SECONDS, Durations

ROUNDS = 60
Draw = Callable[[random.Random], float]


@dataclass
class Looker:
    """Looks at one action after the other as the feed does, and notes what that cost."""

    durations: Durations = field(default_factory=Durations)
    stamped: bool = True
    looks: list[int] = field(default_factory=list)  # of each action
    late: list[float] = field(default_factory=list)  # seconds from its end to the look that found it

    def watch(self, seconds: float, phase: float = 0.0) -> None:
        """Watch an action that takes so long; ``phase`` is the part of a second at which it began."""
        age, earlier, looks = self.durations.guess(Kind.ATTACH), 0.0, 1
        while age < seconds:
            earlier, age, looks = age, age + self.durations.pause(Kind.ATTACH, age), looks + 1
        told = floor(phase + seconds) if self.stamped else None
        self.durations.ended(Kind.ATTACH, age, earlier, told)
        self.looks.append(looks)
        self.late.append(age - seconds)

    def mean_looks(self, first: int = 0) -> float:
        return sum(self.looks[first:]) / len(self.looks[first:])


def watched(draw: Draw, *, stamped: bool = True, rounds: int = ROUNDS, seed: int = 7) -> Looker:
    dice, looker = random.Random(seed), Looker(stamped=stamped)  # noqa: S311  # decides nothing secret
    for _ in range(rounds):
        looker.watch(draw(dice), dice.random())
    return looker


@pytest.mark.parametrize("seconds", [0.2, 1.0, 1.5, FIRST_GUESS_SECONDS])
def test_the_first_action_of_all_is_looked_at_once_if_it_is_not_slow(seconds: float) -> None:
    looker = Looker()
    looker.watch(seconds)
    assert looker.looks == [1]


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("seconds", [0.4, 1.5, 4.0])
def test_a_steady_duration_is_learned_and_then_met(seconds: float, stamped: bool) -> None:
    looker = watched(lambda _: seconds, stamped=stamped)
    assert looker.mean_looks(first=15) == 1
    assert max(looker.late[15:]) <= seconds * 0.05 + 0.05
    assert looker.mean_looks() <= 1.1


def test_what_was_tried_in_vain_is_not_tried_again_for_long() -> None:
    looker = watched(lambda _: 1.5, rounds=180)
    assert sum(looks - 1 for looks in looker.looks) <= 4


def test_durations_that_vary_a_little_are_met_at_the_first_look_once_that_is_known() -> None:
    lookers = [watched(lambda dice: dice.uniform(0.5, 1.5), rounds=100, seed=seed) for seed in range(20)]
    assert fmean(looker.mean_looks(first=10) for looker in lookers) <= 1.02
    assert fmean(looker.mean_looks() for looker in lookers) <= 1.06


def test_durations_with_a_long_tail_are_mostly_met_at_the_first_look() -> None:
    looker = watched(lambda dice: dice.lognormvariate(0.8, 0.55), rounds=200)
    assert looker.mean_looks(first=10) <= 1.35
    assert sorted(looker.late)[len(looker.late) // 2] <= 2.0  # at half of them, as long as such an action takes


def test_time_stamps_tell_that_actions_have_become_quick_without_a_wasted_look() -> None:
    looker = watched(lambda dice: dice.uniform(3, 8))
    before = looker.durations.guess(Kind.ATTACH)
    for _ in range(ROUNDS):
        looker.watch(0.5)
    assert before > 5
    assert looker.durations.guess(Kind.ATTACH) <= 1
    assert looker.mean_looks(first=ROUNDS) == 1


@pytest.mark.parametrize("told", [0, -5, None])
def test_a_time_stamp_that_a_look_contradicts_is_not_believed(told: float | None) -> None:
    durations = Durations()
    for _ in range(10):
        durations.ended(Kind.ATTACH, age=6.0, earlier=5.0, told=told)
    assert 5.0 < durations.guess(Kind.ATTACH) <= 6.0


def test_kinds_are_learned_apart() -> None:
    durations = Durations()
    for _ in range(5):
        durations.ended(Kind.DETACH, age=9.0, earlier=8.5)
    assert durations.guess(Kind.ATTACH) == FIRST_GUESS_SECONDS
    assert durations.guess(Kind.DETACH) > 8


def test_a_second_look_comes_when_those_that_took_longer_had_ended() -> None:
    durations = Durations()
    for low in (0.0, 2.0, 4.9):
        durations.ended(Kind.ATTACH, age=low + 1, earlier=low)
    assert durations.pause(Kind.ATTACH, 5.0) == pytest.approx(0.9)


AGES = st.floats(0.01, 300)


@given(st.lists(st.tuples(AGES, AGES, st.none() | st.integers(-3, 400))), AGES)
def test_whatever_was_seen_the_next_look_is_neither_at_once_nor_never(
    seen: list[tuple[float, float, int | None]], age: float
) -> None:
    durations = Durations()
    for one, other, told in seen:
        durations.ended(Kind.ATTACH, max(one, other) + 0.01, min(one, other), told)
    longest = max([max(one, other) + 0.01 for one, other, _ in seen], default=FIRST_GUESS_SECONDS)
    assert 0 < durations.guess(Kind.ATTACH) <= longest
    assert 0 < durations.pause(Kind.ATTACH, age) <= LONGEST_PAUSE_SECONDS
