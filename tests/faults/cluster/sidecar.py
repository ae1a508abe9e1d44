"""What all sidecars share: a leader that runs one worker an object, with the work queue's exponential back-off.

Facts: the queues of external-provisioner 6.4, -attacher 4.13, -resizer 2.3 and -snapshotter 8.7 begin at 1 s, double
with each failure, and stop at 5 minutes. Back-off lives in the process: a new leader begins anew.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Protocol, TypeVar

from betterproto2 import Message

from tests.faults.cluster.objects import Store
from tests.faults.sim.bell import Bell
from tests.faults.sim.loop import Process
from tests.faults.sim.rpc import Failed
from tests.faults.sim.trace import Trace

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 300.0

Reply = TypeVar("Reply", bound=Message)


class Cluster(Protocol):
    """What a sidecar asks of the world."""

    store: Store
    bell: Bell
    trace: Trace

    def now(self) -> float: ...
    def offers(self, rpc: str) -> bool: ...  # whether the controller has that capability
    async def ask(self, replica: int, request: Message, reply: type[Reply], seconds: float) -> Reply: ...


class Sidecar:
    """One instance; ``replica`` is the controller in its own pod. Ends with its process."""

    def __init__(self, cluster: Cluster, name: str, replica: int) -> None:
        self.cluster = cluster
        self.replica = replica
        self.process = Process(f"{name}/{replica}")
        self.leading = True
        self._busy: set[Hashable] = set()
        self._backoff: dict[Hashable, float] = {}

    def start(self) -> None:
        """Begin to lead."""
        self.process.start(self._run())

    def die(self) -> None:
        """End, with all calls under way."""
        self.leading = False
        self.process.die()

    def work(self) -> list[tuple[Hashable, Callable[[], Awaitable[None]]]]:
        """Return what there is to do, by key."""
        raise NotImplementedError

    async def _run(self) -> None:
        while True:
            await self.cluster.bell.until(lambda: bool(self._todo()))
            for key, act in self._todo():
                self._busy.add(key)
                self.process.start(self._work(key, act))

    def _todo(self) -> list[tuple[Hashable, Callable[[], Awaitable[None]]]]:
        return [(key, act) for key, act in self.work() if key not in self._busy]

    async def _work(self, key: Hashable, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
            self._backoff.pop(key, None)
        except Failed:
            pause = self._backoff.get(key, FIRST_SECONDS)
            self._backoff[key] = min(LONGEST_SECONDS, pause * 2)
            await self.cluster.bell.until(lambda: False, pause)
        finally:
            self._busy.discard(key)
            self.cluster.bell.ring()
