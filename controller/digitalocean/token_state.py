"""Whether the cloud lets us in: readiness turns false when it has refused the token for a while, or there is none."""

from collections.abc import Callable

PATIENCE_SECONDS = 60.0
REFUSED = "the cloud has refused the API token"


class TokenState:
    """Remembers since when we were kept out, and why. ``clock`` returns seconds that never run back."""

    def __init__(self, clock: Callable[[], float], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._clock = clock
        self._patience = patience_seconds
        self._out_since: float | None = None
        self._why = ""

    def learn(self, status: int) -> None:
        """Take note of an HTTP status. 0, no answer, says nothing about the token."""
        if status == 401:
            self.lack(REFUSED)
        elif status != 0:
            self._out_since = None

    def lack(self, why: str) -> None:
        """We are kept out. Until an answer other than 401 comes, we stay so."""
        self._out_since = self._clock() if self._out_since is None else self._out_since
        self._why = why

    @property
    def reason(self) -> str:
        """Why the driver is not ready; empty if it is."""
        if self._out_since is None:
            return ""
        seconds = self._clock() - self._out_since
        return f"{self._why} (for {seconds:.0f} s)" if seconds >= self._patience else ""

    def ready(self) -> bool:
        """Say whether work can be done. Answers from memory."""
        return not self.reason
