"""How long things take: always the same, evenly spread, or with the long tail of a real cloud."""

import math
import random
from dataclasses import dataclass

CLOUDLIKE_MEDIAN_SECONDS = 2.2
CLOUDLIKE_SPREAD = 0.55  # of the logarithm: nine in ten lie between 0.9 and 5.5 seconds
EXPECTED = "must be N, LOW-HIGH or cloudlike, in seconds"
CLOUDLIKE_SLOW = 0.01  # one in a hundred takes up to a minute


@dataclass(frozen=True)
class Latency:
    """A distribution of durations in seconds: ``low`` to ``high``, or cloudlike."""

    low: float
    high: float
    cloudlike: bool = False

    def draw(self, dice: random.Random) -> float:
        """Return one duration in seconds."""
        if not self.cloudlike:
            return self.low if self.low == self.high else dice.uniform(self.low, self.high)
        if dice.random() < CLOUDLIKE_SLOW:
            return dice.uniform(10, 60)
        return dice.lognormvariate(math.log(CLOUDLIKE_MEDIAN_SECONDS), CLOUDLIKE_SPREAD)


def parse_latency(text: str) -> Latency:
    """Read ``N``, ``LOW-HIGH`` (seconds) or ``cloudlike``. Raises ValueError."""
    if text == "cloudlike":
        return Latency(0, 0, cloudlike=True)
    low, dash, high = text.partition("-")
    try:
        latency = Latency(float(low), float(high if dash else low))
    except ValueError:
        raise ValueError(EXPECTED) from None
    if not (0 <= latency.low <= latency.high < math.inf):
        raise ValueError(EXPECTED)
    return latency
