"""The node service as it is, but killed at a chosen point: ``python -m tests.integration.node.killpoints``.

Hundreds are started and killed, and half a second of each would go into imports. So this process imports the service
once, and forks itself for each line of stdin (see ``tests.harness.forks``): the settings as a JSON object, and ``LOG``,
where the child's output goes.

The points are found by watching, not listed: the interpreter tells of each file it writes, makes, renames or removes,
each device it controls, each program it starts, each mount it makes or takes away itself (PEP 578 audit events).
``KILL_AT`` is the number of the event before which the process kills itself; with a ``+`` behind it, a moment after;
``+0.5``: after so many seconds; ``+0.5!``: and with it the programs that it has started, as happens to all that is in a
container. Nothing is killed at 0.
``KILL_LOG`` gets a line for each event since the first look at a mount: number, time, and what it is.
"""

import _thread  # noqa: TID251  # replaces what the node calls
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

MOMENT_SECONDS = 0.003
DOES_MORE = ("subprocess.Popen", "aiocsi.mount", "aiocsi.umount")  # what may go on while the process dies
WATCHED = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "fcntl.ioctl", *DOES_MORE)
MOUNTS = "/proc/self/mountinfo"
KUBELETS = ("/plugins/", "/pods/")  # parts of the paths that the calls name, and the start does not


class Killer:
    """An audit hook."""

    def __init__(self, at: str, log: int) -> None:
        number, plus, moment = at.partition("+")
        self._at = int(number)
        self._later = bool(plus)
        self._seconds = float(moment.rstrip("!") or MOMENT_SECONDS)
        self._whole = moment.endswith("!")
        self._log = log
        self._count = 0
        self._after_program = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Count an event, and kill the process if it is the one."""
        detail = str(arguments[0]) if arguments else ""
        if not self._counts(event, detail, arguments):
            return
        self._after_program = event in DOES_MORE
        self._count += 1
        if event == "subprocess.Popen" and isinstance(arguments[1], list):
            detail = " ".join(map(str, arguments[1]))
        os.write(self._log, f"{self._count} {time.monotonic():.4f} {event} {detail}\n".encode())
        if self._count == self._at and self._later:
            _thread.start_new_thread(self._kill_later, ())
        elif self._count == self._at:
            _kill()

    def _counts(self, event: str, detail: str, arguments: tuple[object, ...]) -> bool:
        """Reading changes nothing: of the files that are only read, the first one after each program counts."""
        if self._count == 0:
            return event == "open" and (detail == MOUNTS or any(part in detail for part in KUBELETS))
        if event != "open":
            return event in WATCHED
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        return flags & os.O_ACCMODE != os.O_RDONLY or (self._after_program and "/" in detail)

    def _kill_later(self) -> None:
        time.sleep(self._seconds)
        if self._whole:
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        _kill()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _live(serve: Callable[[Sequence[str]], int], settings: dict[str, str]) -> int:
    """Serve until killed, as a process of its own."""
    os.setsid()
    output = os.open(settings.pop("LOG"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for kept, descriptor in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(kept, descriptor)
    points = os.open(settings.pop("KILL_LOG"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.addaudithook(Killer(settings.pop("KILL_AT"), points))
    os.environ.clear()
    os.environ.update(settings)
    status = serve([])
    sys.stdout.flush()
    return status


def main() -> int:
    """Fork until stdin ends."""
    from node.__main__ import main as serve  # noqa: PLC0415  # it makes the process light first

    for line in sys.stdin:
        if (pid := os.fork()) == 0:  # noqa: TID251  # a life of its own for each kill point
            os._exit(_live(serve, json.loads(line)))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
