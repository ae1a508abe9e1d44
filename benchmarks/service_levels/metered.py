"""A cloud in memory whose requests pass the driver's real budget, and a rate limit behind it."""

import asyncio
import random
from collections.abc import Callable, Sequence
from email.utils import formatdate

from common import deadlines
from controller.cloud.records import Kind, Pending
from controller.pacing.budget import Budget
from controller.pacing.lanes import Lane
from tests.fakes.cloud import FakeCloud, Fault
from tests.fakes.ratelimit import RateLimit

REQUEST_SECONDS = 0.08
RESERVE_PART = 0.005  # of the hour, which no look may use
LANES = {  # as in controller/digitalocean/client
    "create_volume": Lane.CHANGE,
    "delete_volume": Lane.CHANGE,
    "resize": Lane.CHANGE,
    "create_snapshot": Lane.CHANGE,
    "attach": Lane.ATTACH,
    "detach": Lane.DETACH,
    "get_action": Lane.POLL,
    "account_actions": Lane.POLL,
    "list_volumes": Lane.LIST,
    "list_servers": Lane.LIST,
}
Draw = Callable[[random.Random], float]


def slow(dice: random.Random) -> float:
    """1 to 6 s, and one in twenty up to a minute."""
    return dice.uniform(1, 6) if dice.random() < 0.95 else dice.uniform(6, 60)


SHAPES: dict[str, Draw] = {
    "1.5 s": lambda _dice: 1.5,
    "0.5 to 1.5 s": lambda dice: dice.uniform(0.5, 1.5),
    "1 to 6 s, a few to 60 s": slow,
}


class MeteredCloud(FakeCloud):
    """``took`` lists how long each action was, ``throttled`` counts 429s, ``pending`` refusals of a second event."""

    def __init__(self, servers: Sequence[str], draw: Draw, seed: int, limit: RateLimit, wall_offset: float = 0) -> None:
        super().__init__(servers, latency=REQUEST_SECONDS / 2)
        self.budget = Budget(wall=lambda: self._now() + wall_offset)
        self.limit = limit
        self.took: list[float] = []
        self.throttled = 0
        self.pending = 0
        self.looks_in_reserve = 0  # looks that were sent though hardly anything was left of the hour
        self._draw = draw
        self._dice = random.Random(seed)  # noqa: S311 (decides nothing secret)

    def share(self, other: "MeteredCloud") -> None:
        """Be another replica's view of the same cloud."""
        self.volumes, self.actions, self.effects = other.volumes, other.actions, other.effects

    async def _arrive(self, request: str) -> Fault:
        while True:
            await self.budget.admit(LANES.get(request, Lane.READ), "", deadlines.current())
            await asyncio.sleep(self.latency)  # noqa: TID251 (virtual time)
            status, headers = self.limit.arrive()
            headers["date"] = formatdate(self._now(), usegmt=True)
            if LANES.get(request) is Lane.POLL and status == 200:
                reserve = RESERVE_PART * int(headers["ratelimit-limit"])
                self.looks_in_reserve += int(headers["ratelimit-remaining"]) < reserve
            fault = await super()._arrive(request)
            self.budget.learn(headers, limited=status == 429)
            if status == 200:
                return fault
            self.throttled += 1

    def _promise(self, kind: Kind, volume_id: str, server_id: str, size_gib: int = 0) -> Pending | None:
        self.action_seconds = self._draw(self._dice)
        self.took.append(self.action_seconds)
        return super()._promise(kind, volume_id, server_id, size_gib)

    def _check_idle(self, volume_id: str, server_id: str) -> None:
        self.pending += 1
        super()._check_idle(volume_id, server_id)
        self.pending -= 1
