"""Findings over rounds: what is told of, and when it has gone. One list proves neither.

Source: CSI 1.13 "ControllerListVolumeHealth" (an entry that is missing once says nothing).
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

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
        if key not in after and track.seen >= needed and track.missed + 1 < GONE_ROUNDS:
            after[key] = Track(track.seen, track.missed + 1)
    return after


class Ledger(Generic[Key]):
    """What stands, and what of it was told, from when this process began to lead."""

    def __init__(self, needed: int, group_of: Callable[[Key], Hashable] = lambda _key: None) -> None:
        """Give what a finding belongs to: what is judged together."""
        self._needed = needed
        self._group_of = group_of
        self._tracks: dict[Key, Track] = {}
        self._told: set[Key] = set()
        self._tried: set[Key] = set()
        self._rounds: dict[Hashable, int] = {}

    def try_to_tell(self, key: Key) -> bool:
        """Tell whether what is there of it must be from an earlier time, and note that it is told now.

        What is new to a process that has just begun to lead, the one before may have told; and what this one could
        not tell, it may have told all the same.
        """
        is_first = key not in self._tried and self._rounds.get(self._group_of(key), 0) > self._needed
        self._tried.add(key)
        return is_first

    def know(self, keys: Iterable[Key]) -> None:
        """Take over what another process has told."""
        for key in keys:
            self._tracks[key] = Track(self._needed)
            self._told.add(key)

    def meet(self, keys: Iterable[Key]) -> None:
        """Take note that these have not gone, in a round of which nothing else may be concluded."""
        for key in keys:
            if key in self._tracks:
                self._tracks[key] = Track(self._tracks[key].seen)

    def learn(self, found: Collection[Key], judged: Collection[Hashable] = (None,)) -> list[Key]:
        """Take one round into account, in which these groups were judged; return what was told of and has gone."""
        for group in judged:
            self._rounds[group] = self._rounds.get(group, 0) + 1
        self._tracks = follow(self._tracks, found, lambda key: self._group_of(key) in judged, self._needed)
        gone = [key for key in self._told if key not in self._tracks]
        self._told.difference_update(gone)
        self._tried.intersection_update(self._tracks)
        return gone

    def standing(self) -> list[Key]:
        """Return what stands."""
        return [key for key, track in self._tracks.items() if track.seen >= self._needed]

    def untold(self) -> list[Key]:
        """Return what stands and was not told."""
        return [key for key in self.standing() if key not in self._told]

    def tell(self, key: Key) -> None:
        """Note that it was told."""
        self._told.add(key)
