"""Whether the cloud lets us in: readiness turns false when it has refused the token for a while."""

from collections.abc import Callable

PATIENCE_SECONDS = 60.0


class Access:
    """Remembers since when every answer was a refusal. ``clock`` returns seconds that never run back."""

    def __init__(self, clock: Callable[[], float], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._clock = clock
        self._patience = patience_seconds
        self._refused_since: float | None = None

    def learn(self, status: int) -> None:
        """Take note of an HTTP status. 0, no answer, says nothing about the token."""
        if status == 401:
            self._refused_since = self._clock() if self._refused_since is None else self._refused_since
        elif status != 0:
            self._refused_since = None

    @property
    def reason(self) -> str:
        """Why the driver is not ready; empty if it is."""
        if self._refused_since is None:
            return ""
        seconds = self._clock() - self._refused_since
        return f"the cloud has refused the API token for {seconds:.0f} s" if seconds >= self._patience else ""

    def ready(self) -> bool:
        """Say whether work can be done. Answers from memory."""
        return not self.reason
