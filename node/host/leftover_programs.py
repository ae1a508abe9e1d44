"""Programs left running by a previous instance: the node was killed, and a mount or umount that it had started goes on.

A call that looked at the mounts while such a program is at work would see what is about to change, and might mount a
second time. So each program carries the name of its owner in its environment, and a node that starts looks once for
those that are left; a call on a path that one of them names is told to come again. mkfs and fsck need no such care:
they keep the lock on the device (see ``probe``).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from common import errors
from node.codes import Code

OWNER = "AIOCSI_PROGRAM_OF"


@dataclass(frozen=True)
class Orphan:
    """A program that ran when the node started. The time of its start tells it from a later one with its number."""

    pid: int
    started: str
    argv: tuple[str, ...]


class LeftoverPrograms:
    """The programs of ``owner`` that were left at the start."""

    def __init__(self, owner: str, proc: Path = Path("/proc")) -> None:
        """Look for them; blocks."""
        self._proc = proc
        self._left = tuple(self._find(f"{OWNER}={owner}".encode()))

    def check(self, path: str) -> None:
        """Raise Unavailable if one of them still works on ``path``; blocks."""
        self._left = tuple(orphan for orphan in self._left if self._started(orphan.pid) == orphan.started)
        for orphan in self._left:
            if path in orphan.argv:
                raise errors.Unavailable(
                    f"{orphan.argv[0]} (pid {orphan.pid}), begun before a restart, works on {path}",
                    error_code=Code.LEFTOVER_PROGRAM,
                )

    def _find(self, mark: bytes) -> Iterator[Orphan]:
        for folder in self._proc.glob("[0-9]*"):
            with suppress(OSError):  # it has ended, or is not ours to look at
                if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                    argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    yield Orphan(int(folder.name), self._started(int(folder.name)), tuple(argv[:-1]))

    def _started(self, pid: int) -> str:
        """Return when the process was started, in ticks since boot; nothing if it has ended."""
        try:
            fields = (self._proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in {"Z", "X"} else fields[19]
