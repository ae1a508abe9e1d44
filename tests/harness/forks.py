"""Processes that are forks of one that has imported what they run, for tests that start hundreds of them."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.processes import traces

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = 30.0


class Fork:
    """A child of the template. Its exit status is the template's alone: here it is only known that it has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return 0 if it has ended."""
        return self._look(0)

    def wait(self) -> int:
        """Return 0 when it has ended."""
        self._look(None)
        return 0

    def _look(self, milliseconds: float | None) -> int | None:
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            if poll.poll(milliseconds):
                os.close(self._descriptor)
                self.returncode = 0
        return self.returncode


class Template:
    """A process that runs ``module``, and is part of the run in ``folder``.

    For each line of its stdin it forks, and writes the child's number. It takes no exit status before its own end: so
    long a child's number is not another's.
    """

    def __init__(self, module: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**os.environ, traces.MARK: str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self, settings: Mapping[str, str]) -> Fork:
        """Start a process with these settings."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(settings)}\n")
        self._process.stdin.flush()
        return Fork(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it; its children have ended before."""
        self._process.communicate(timeout=END_SECONDS)
