"""Findings over rounds: what is told of, and when it has gone. One list proves neither.

Source: CSI 1.13 "ControllerListVolumeHealth" (an entry that is missing once says nothing).
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

GONE_ROUNDS = 2  # full lists in a row without it

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Track:
    """How often in a row a finding was found, up to what it takes to stand, and missed since."""

    seen: int
    missed: int = 0


def follow(
    before: Mapping[Key, Track], found: Collection[Key], is_judged: Callable[[Key], bool], needed: int
) -> dict[Key, Track]:
    """Return the tracks after one round; what was not judged in it stays as it was.

    ``needed`` is how many rounds in a row it takes until a finding stands.
    """
    after = {key: track for key, track in before.items() if not is_judged(key)}
    for key in found:
        after[key] = Track(min(needed, before[key].seen + 1) if key in before else 1)
    for key, track in before.items():
        if key not in after and stands(track, needed) and track.missed + 1 < GONE_ROUNDS:
            after[key] = Track(track.seen, track.missed + 1)
    return after


def stands(track: Track, needed: int) -> bool:
    """Tell whether a finding may be told of."""
    return track.seen >= needed
