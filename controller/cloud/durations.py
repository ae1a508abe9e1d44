"""How long actions take, as far as was seen: so that the first look at an action comes when it has just ended.

For each kind, the estimate lies between the largest age at which an action was still under way and the smallest
at which it had ended. It is moved down only while that gap is worth a wasted look, and up after every look that
came too early. Ages are seconds since the action's start was acknowledged.
"""

from dataclasses import dataclass

from controller.cloud.base import Kind

FIRST_GUESS_SECONDS = 1.0
LONGEST_GUESS_SECONDS = 20.0
GAP_PART, GAP_SECONDS = 0.04, 0.05  # a gap below the larger of both is not worth a look
FORGET_EVERY = 40  # after so many actions an old lower bound may be wrong: it is loosened, and tried again
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.15, 8.0
PAUSE_PART = 0.12


@dataclass
class Known:
    """What is known of one kind of action."""

    guess: float = FIRST_GUESS_SECONDS
    floor: float = 0.0
    seen: int = 0


class Durations:
    """Learns from looks."""

    def __init__(self) -> None:
        self._known = {kind: Known() for kind in Kind}

    def guess(self, kind: Kind) -> float:
        """Return the age at which an action of that kind should be looked at first."""
        return self._known[kind].guess

    def still_under_way(self, kind: Kind, age: float) -> None:
        """A look found the action under way at that age."""
        known = self._known[kind]
        known.floor = min(LONGEST_GUESS_SECONDS, max(known.floor, age))

    def ended(self, kind: Kind, age: float, earlier: float) -> None:
        """A look found the action ended at ``age``; ``earlier`` is the age of the look before, 0 if there was none."""
        known = self._known[kind]
        known.seen += 1
        if earlier > 0:  # the first look came too early
            known.guess = min(LONGEST_GUESS_SECONDS, age if known.guess <= earlier else max(known.guess, earlier))
        elif age < known.guess + max(GAP_SECONDS, GAP_PART * age):  # it came in time: perhaps an earlier one would too
            known.guess = self._lower(known, min(known.guess, age))
        if known.seen % FORGET_EVERY == 0:
            known.floor *= 0.8

    def pause(self, age: float) -> float:
        """Return how long to wait for the next look at an action that is under way at ``age``."""
        return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, age * PAUSE_PART))

    @staticmethod
    def _lower(known: Known, age: float) -> float:
        gap = age - known.floor
        return age if gap <= max(GAP_SECONDS, GAP_PART * age) else age - gap * 0.4
