"""What is so of a cloud, whatever is asked of it: data, which code outside of the cloud's package reads."""

import re
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of volumes, whole GiB; ``default`` is that of a volume for which none is asked."""

    smallest: int
    largest: int
    default: int


@dataclass(frozen=True, slots=True)
class TextRule:
    """Texts that the cloud takes: ``first`` and ``others`` are classes of characters, as in a regular expression.

    ``words`` say the same to a person.
    """

    first: str
    others: str
    longest: int
    words: str

    def accepts(self, text: str) -> bool:
        """Say whether the cloud takes ``text`` as it is."""
        return re.fullmatch(f"[{self.first}][{self.others}]{{0,{self.longest - 1}}}", text) is not None

    def fit(self, text: str) -> str:
        """Return ``text`` with a hyphen for each character that the cloud does not take."""
        return re.sub(f"[^{self.others}]", "-", text)


@dataclass(frozen=True, slots=True)
class SnapshotLimits:
    """How many snapshots of a volume the cloud keeps, and how soon it takes the next, seconds."""

    per_volume: int
    interval_seconds: float


class Quota(Enum):
    """How a spent quota of requests comes back: each request an hour after it was sent, or bit by bit all the time."""

    ROLLING = "rolling"
    REFILL = "refill"


@dataclass(frozen=True, slots=True)
class Traits:
    """A cloud's traits.

    ``several_zones``: the servers of one cluster may be in several zones, so each volume is made where it is asked for;
    otherwise the zone of the controller is the zone of all. ``snapshots`` is None where the cloud has none.
    ``one_action_per_server``: the cloud refuses an action on a server while another one is under way on it.
    ``detach_names_server``: the request names the server, so a volume that has moved meanwhile stays where it is. Where
    it cannot, the cloud's package reads who holds the volume just before, which leaves a moment open.
    """

    sizes: Sizes
    names: TextRule
    labels: TextRule
    several_zones: bool = False
    snapshots: SnapshotLimits | None = None
    quota: Quota = Quota.ROLLING
    one_action_per_server: bool = True
    detach_names_server: bool = True
