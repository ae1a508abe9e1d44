"""One call at a time for a volume, a snapshot or a path: a second one fails at once.

A call that waited for a lock would hold its sidecar's worker until the sidecar's time-out and learn nothing; ABORTED
lets the sidecar come back after its own back-off. Its message says what the first call waits for. The locks hold within
one process: between replicas the cloud's answer decides.

Source: CSI 1.13 "Error Scheme" (ABORTED: operation pending for volume).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from common import deadlines, errors


class Locks:
    """Try-locks by key. Keys are whatever names the thing: a volume is held by its id and by its name."""

    def __init__(self) -> None:
        self._held: dict[str, list[list[str]]] = {}  # by key, for each hold: what stands in the way of its call

    @contextmanager
    def hold(self, *keys: str) -> Iterator[None]:
        """Hold all ``keys`` or none. Raises Busy if another call holds one of them."""
        wanted = set(keys)
        if taken := wanted & self._held.keys():
            key = min(taken)
            raise errors.Busy(": ".join([f"another call works on {key}", *self._held[key][-1]]))
        with self.extend(*wanted):
            yield

    @contextmanager
    def extend(self, *keys: str) -> Iterator[None]:
        """Keep ``keys`` held for work that may outlive the call which holds them: committed work (``commit``)."""
        for key in keys:
            self._held.setdefault(key, []).append(deadlines.obstacle())
        try:
            yield
        finally:
            for key in keys:
                self._held[key].pop()  # whichever: all that hold a key do it for one call
                if not self._held[key]:
                    del self._held[key]

    def __len__(self) -> int:
        """Return how many keys are held."""
        return len(self._held)
