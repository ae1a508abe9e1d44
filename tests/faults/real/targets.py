"""Which effects a process is to die at: those of a calm life, each at least once, then those met under faults."""

import random
from collections import Counter
from dataclasses import dataclass

from tests.faults.real.traced import LATER

AT_ONCE = 5  # targets of one life
MOST_OF_ONE = 3  # an effect that comes more often in one life is the same to the process


@dataclass(frozen=True)
class Target:
    """The ``nth`` effect of a name since the start of a process of that kind."""

    kind: str
    name: str
    nth: int

    @property
    def death(self) -> str:
        """What the process is told."""
        return f"{self.nth} {self.name}"

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}, number {self.nth}"


class Targets:
    """What was hit, and what is still to be."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311  # an order that replays
        self._open: dict[str, list[Target]] = {}
        self._calm: set[Target] = set()
        self._known: set[tuple[str, str]] = set()
        self._hit: Counter[Target] = Counter()

    def learn_life(self, kind: str, effects: list[str]) -> None:
        """Take in the effects of a calm life of one process; first comes the first of each name, in any order."""
        for name, count in sorted(Counter(effects).items()):
            names = (name, name + LATER) if name.startswith("program ") else (name,)
            self._known.update((kind, each) for each in names)
            self._calm.update(Target(kind, each, nth + 1) for each in names for nth in range(min(count, MOST_OF_ONE)))
        mine = sorted((each for each in self._calm if each.kind == kind), key=str)
        self._chance.shuffle(mine)
        self._open[kind] = sorted(mine, key=lambda each: each.nth)

    def learn(self, kind: str, effects: list[str]) -> None:
        """Take in effects that come under faults alone: they are next."""
        for name in sorted(set(effects)):
            if (kind, name) not in self._known:
                self._known.add((kind, name))
                self._open.setdefault(kind, []).insert(0, Target(kind, name, 1))

    def next(self, kind: str) -> list[Target]:
        """Return at what the next process of that kind is to die, at whichever comes first."""
        waiting = self._open[kind]
        if not waiting:  # all were hit: once more
            waiting = sorted((each for each in self._calm if each.kind == kind), key=str)
            return self._chance.sample(waiting, min(AT_ONCE, len(waiting)))
        chosen, self._open[kind] = waiting[:AT_ONCE], waiting[AT_ONCE:]
        return chosen

    def died(self, targets: list[Target], death: str) -> bool:
        """Take note of a death; it comes by the other targets later. Tell whether it was one of them."""
        for target in targets:
            self._hit[target] += target.death == death
            if not self._hit[target] and target not in self._open[target.kind]:
                self._open[target.kind].append(target)
        return death in {target.death for target in targets}

    def lines(self) -> dict[str, str]:
        """Return how much of what was hit, for the table."""
        said = {}
        for kind in sorted(self._open):
            calm = {each for each in self._calm if each.kind == kind}
            names = {(each.kind, each.name) for each in calm}
            hit = {each for each, number in self._hit.items() if number and each.kind == kind}
            other = {each for each in hit if (each.kind, each.name) not in names}
            waiting = {each for each in self._open[kind] if (each.kind, each.name) not in names}
            said[f"effects of a life, {kind}"] = f"{len(hit & calm)} of {len(calm)}"
            said[f"effects under faults, {kind}"] = f"{len(other)} of {len(other | waiting)}"
        return said

    def open(self) -> list[Target]:
        """Return the effects of a calm life at which no process died."""
        return sorted((each for each in self._calm if not self._hit[each]), key=str)
