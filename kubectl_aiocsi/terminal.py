"""How it looks: colours and progress on a terminal, plain lines in a pipe.

Texts from outside may hold any character: callers make them printable.
"""

import io
import os
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TextIO

from common.printable import printable

CODES = {"red": "31", "green": "32", "yellow": "33", "grey": "90", "bold": "1"}
CLEAR = "\r\x1b[K"


@dataclass(frozen=True)
class Terminal:
    """Where the answer goes, and whether it may have colours."""

    out: TextIO
    err: TextIO
    colours: bool
    progress: bool

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour, if there are colours."""
        return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if self.colours else text

    def line(self, text: str = "") -> None:
        """Print a line of the answer."""
        self.out.write(f"{text}\n")

    def step(self, text: str) -> None:
        """Say what is being read, where a person waits for it."""
        if self.progress:
            self.err.write(f"{CLEAR}{self.paint(printable(text)[:70], 'grey')}")
            self.err.flush()

    def done(self) -> None:
        """Take the progress away."""
        if self.progress:
            self.err.write(CLEAR)
            self.err.flush()


def terminal(colour: str, out: TextIO, err: TextIO) -> Terminal:
    """Return the terminal; NO_COLOR and TERM=dumb are heard unless ``colour`` is always."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    auto = out.isatty() and not plain
    return Terminal(out, err, colour == "always" or (colour == "auto" and auto), err.isatty() and not plain)


def standard(colour: str) -> Terminal:
    """Return the terminal of this process."""
    out, err = (each or io.StringIO() for each in (sys.stdout, sys.stderr))  # one that was closed is None
    for each in (out, err):
        if isinstance(each, io.TextIOWrapper):
            each.reconfigure(errors="backslashreplace")  # a terminal that has not every letter
    return terminal(colour, out, err)


def ago(since: datetime | None, now: datetime) -> str:
    """Return how long ago it was, as kubectl tells ages: 45s, 12m, 3h, 5d."""
    if since is None:
        return ""
    seconds = max(0, int((now - since) / timedelta(seconds=1)))
    steps = ((172800, 86400, "d"), (10800, 3600, "h"), (180, 60, "m"))
    return next((f"{seconds // unit}{name}" for least, unit, name in steps if seconds >= least), f"{seconds}s")
