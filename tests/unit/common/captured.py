"""The log of a test, as the process would write it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from common import logs

Line = dict[str, object]


class Captured:
    """What was logged so far."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """The log as it was written."""
        return self.stream.getvalue()

    def lines(self, event: str) -> list[Line]:
        """Return the JSON lines of one event."""
        return [line for line in self.all() if line["event"] == event]

    def all(self) -> list[Line]:
        """Return all JSON lines."""
        return [json.loads(line) for line in self.text.splitlines()]


@contextmanager
def captured(level: str = "debug", log_format: str = "json") -> Iterator[Captured]:
    """Configure the logs as a service does, into memory; afterwards they are as before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    capture = Captured()
    logs.configure(log_format, level, capture.stream)
    try:
        yield capture
    finally:
        root.handlers[:], root.level = before
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
