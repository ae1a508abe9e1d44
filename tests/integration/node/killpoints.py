"""The node service as it is, but killed at a chosen point: ``python -m tests.integration.node.killpoints``.

The points are found by watching, not listed: the interpreter tells of each file it writes, makes, renames or removes,
each device it controls, each program it starts (PEP 578 audit events). ``KILL_AT`` is the number of the event before
which the process kills itself; with a ``+`` behind it, a moment after. Nothing is killed at 0. ``KILL_LOG`` gets a line
for each event since the first look at the mounts.
"""

import _thread
import os
import signal
import sys
import time

MOMENT_SECONDS = 0.003
WATCHED = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "fcntl.ioctl", "subprocess.Popen")
MOUNTS = "/proc/self/mountinfo"


class Killer:
    """An audit hook."""

    def __init__(self, at: str, log: int) -> None:
        self._at = int(at.rstrip("+"))
        self._later = at.endswith("+")
        self._log = log
        self._count = 0
        self._after_program = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Count an event, and kill the process if it is the one."""
        detail = str(arguments[0]) if arguments else ""
        if not self._counts(event, detail, arguments):
            return
        self._after_program = event == "subprocess.Popen"
        self._count += 1
        os.write(self._log, f"{self._count} {event} {detail}\n".encode())
        if self._count == self._at and self._later:
            _thread.start_new_thread(_kill_later, ())
        elif self._count == self._at:
            _kill()

    def _counts(self, event: str, detail: str, arguments: tuple[object, ...]) -> bool:
        """Reading changes nothing: of the files that are only read, the first one after each program counts."""
        if self._count == 0:
            return (event, detail) == ("open", MOUNTS)
        if event != "open":
            return event in WATCHED
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        return flags & os.O_ACCMODE != os.O_RDONLY or (self._after_program and "/" in detail)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_later() -> None:
    time.sleep(MOMENT_SECONDS)
    _kill()


def main() -> int:
    """Serve until killed."""
    log = os.open(os.environ.pop("KILL_LOG"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.addaudithook(Killer(os.environ.pop("KILL_AT"), log))
    from node.__main__ import main as serve  # noqa: PLC0415  # it makes the process light first

    return serve([])


if __name__ == "__main__":
    sys.exit(main())
