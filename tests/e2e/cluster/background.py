"""Programs that stay after the command that started them: a docker engine, the embedded cloud."""

import os
import signal
import subprocess  # noqa: TID251  # what stays after us is no harness process
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tools.processes import traces

END_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.1


class NotReady(Exception):
    """A background program ended, or did not get ready in time."""


def start(argv: Sequence[str], pid_file: Path, log: Path, environment: Mapping[str, str], cwd: Path) -> int:
    """Start a program in a session of its own; return its pid, which ``pid_file`` keeps.

    A test run that starts it does not own it: the cluster does, so it carries no mark of the run.
    """
    lasting = {name: value for name, value in environment.items() if name != traces.MARK} | {traces.OUTLIVES: "1"}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=lasting,
            cwd=cwd,
        )
    pid_file.write_text(str(process.pid))
    process.returncode = 0  # nobody waits for it here: see ``stop``
    return process.pid


def wait(ready: Callable[[], bool], pid: int, what: str, seconds: float) -> None:
    """Wait until ``ready``. Raises NotReady."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not alive(pid):
            raise NotReady(f"{what} ended")
        if time.monotonic() > deadline:
            raise NotReady(f"{what} is not ready after {seconds:g} s")
        time.sleep(LOOK_AGAIN_SECONDS)


def stop(pid_file: Path) -> None:
    """End the program of ``pid_file``, if it still runs, and wait for it."""
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + END_SECONDS
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(LOOK_AGAIN_SECONDS)
    pid_file.unlink()


def alive(pid: int) -> bool:
    """Whether the process runs. One that ended and was our child is taken in; another's waits for its parent."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
