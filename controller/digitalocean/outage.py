"""Streaks of failures of the API: one log line when a streak begins, and one when it ends."""

from collections.abc import Callable

import structlog

log = structlog.get_logger("cloud")

FAILURES = 3  # in a row make a streak; a lone failure is told by the call that met it
APART_SECONDS = 10.0  # between the end of a streak and the beginning of the next


class Outage:
    """Counts failures in a row. ``clock`` returns seconds that never run back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._first = 0.0
        self._ended_at = float("-inf")
        self._told = False

    def failed(self, request: str, seen: str) -> None:
        """A request got no answer of the API."""
        now = self._clock()
        self._first = now if self._failures == 0 else self._first
        self._failures += 1
        if not self._told and self._failures >= FAILURES and now - self._ended_at >= APART_SECONDS:
            self._told = True
            log.warning("cloud_fails", request=request, message=seen, failures=self._failures)

    def answered(self) -> None:
        """The API answered."""
        if self._told:
            self._ended_at = self._clock()
            seconds = round(self._ended_at - self._first, 1)
            log.warning("cloud_answers_again", failures=self._failures, seconds=seconds)
        self._failures, self._told = 0, False
