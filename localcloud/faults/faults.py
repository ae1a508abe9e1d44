"""The faults that are on, and which of them strike now. Its dice have a seed: the same calls meet the same faults."""

import random
from dataclasses import dataclass, field

from localcloud.faults.rules import ActionType, Rule


@dataclass
class Fault:
    """A rule that is on, with what it has met so far."""

    id: int
    rule: Rule
    dice: random.Random = field(repr=False)
    matches: int = 0
    strikes: int = 0

    @property
    def is_spent(self) -> bool:
        """Say whether it can strike no more."""
        over = self.rule.times is not None and self.strikes >= self.rule.times
        return over or (bool(self.rule.nth) and self.matches >= max(self.rule.nth))

    def meet(self) -> bool:
        """Count a match; say whether the fault strikes."""
        self.matches += 1
        if self.rule.times is not None and self.strikes >= self.rule.times:
            return False
        by_count, by_chance = self.matches in self.rule.nth, self.dice.random() < self.rule.probability
        hit = by_count if self.rule.nth else by_chance
        self.strikes += hit
        return hit


class Faults:
    """The faults of one cloud."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._faults: dict[int, Fault] = {}
        self._last_id = 0

    def __len__(self) -> int:
        """Return how many faults are on."""
        return len(self._faults)

    def all(self) -> list[Fault]:
        """Return the faults that are on, oldest first."""
        return list(self._faults.values())

    def add(self, rule: Rule) -> Fault:
        """Turn a fault on."""
        self._last_id += 1
        dice = random.Random(f"{self._seed}/{self._last_id}")  # noqa: S311 (a simulation that must be repeatable)
        self._faults[self._last_id] = fault = Fault(self._last_id, rule, dice)
        return fault

    def remove(self, fault_id: int) -> bool:
        """Turn a fault off; return False if it is not on."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Turn all faults off."""
        self._faults.clear()

    def need_actions(self) -> bool:
        """Say whether a rule about requests asks which action they start."""
        return any(fault.rule.is_of_requests and fault.rule.where.action for fault in self._faults.values())

    def of_request(self, method: str, path: str, action: str | None) -> list[Fault]:
        """Return what strikes this request."""
        met = [
            fault
            for fault in self._faults.values()
            if fault.rule.is_of_requests and fault.rule.matches_request(method, path, action)
        ]
        return [fault for fault in met if fault.meet()]

    def of_action(self, action: ActionType) -> list[Rule]:
        """Return what strikes this action."""
        met = [
            fault for fault in self._faults.values() if fault.rule.is_of_actions and fault.rule.matches_action(action)
        ]
        return [fault.rule for fault in met if fault.meet()]

    def of_droplet(self) -> list[Rule]:
        """Return what strikes this deletion of a droplet."""
        met = [fault for fault in self._faults.values() if fault.rule.is_of_droplets]
        return [fault.rule for fault in met if fault.meet()]
