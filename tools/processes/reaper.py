"""Cleans up after a run that was killed: a process of its own, which waits until the run's process is gone.

``python -m tools.processes.reaper PID FOLDER [--remove]``. A run that ends by itself writes ``done``: nothing happens.
"""

import argparse
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.processes import traces

_ROOT = Path(__file__).parents[2]


class Reaper:
    """A reaper for ``folder``: cleans it if the ``with`` block is left by an error, or this process ends in it."""

    def __init__(self, folder: Path, *, remove: bool) -> None:
        self._argv = [sys.executable, "-m", "tools.processes.reaper", str(os.getpid()), str(folder)]
        self._argv += ["--remove"] if remove else []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        unmarked = {name: value for name, value in os.environ.items() if name != traces.MARK}
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            cwd=_ROOT,
            env=unmarked | {traces.OUTLIVES: "1"},
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate(b"done" if kind is None else b"", timeout=60)


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 nothing was left, 1 something was, and is cleaned up now."""
    parser = argparse.ArgumentParser(prog="reaper", description=__doc__)
    parser.add_argument("pid", type=int, help="the run's process")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--remove", action="store_true", help="remove the folder too")
    options = parser.parse_args(argv)
    if _ended_well(options.pid):
        return 0
    left = traces.find(options.folder).lines()
    traces.clean(options.folder)
    if options.remove:
        traces.remove(options.folder)
    for line in left:
        sys.stderr.write(f"left behind by a run that was killed, and now removed: {line}\n")
    return 1 if left else 0


def _ended_well(pid: int) -> bool:
    """Wait for the process's word or its end. The pipe alone would not do: its children may hold it open."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), select.POLLIN)
    try:
        poll.register(os.pidfd_open(pid), select.POLLIN)
    except ProcessLookupError:  # it is gone already
        return False
    ready = [descriptor for descriptor, _ in poll.poll()]
    return sys.stdin.fileno() in ready and sys.stdin.buffer.read() == b"done"


if __name__ == "__main__":
    sys.exit(main())
