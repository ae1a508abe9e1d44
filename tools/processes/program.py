"""One program of a run: a real process in a session of its own, with its own log file."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

Found = TypeVar("Found")

_LOOK_AGAIN_SECONDS = 0.02
STOP_SECONDS = 20.0  # from SIGTERM on


class ProgramFailed(Exception):
    """A program ended too early, did not get ready, or did not end. Names the log, and shows its last lines."""


async def until(look: Callable[[], Found | None], seconds: float) -> Found:
    """Return what ``look`` returns once it is not None. Raises TimeoutError.

    For what another process does to files, sockets and mounts: there is no event to await.
    """
    async with asyncio.timeout(seconds):
        while (found := look()) is None:  # noqa: ASYNC110  # see above: there is no event
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return found


class Running(Protocol):
    """A process that was started; as ``subprocess.Popen`` has it."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


class Program:
    """A program that can be started, and started again; its output goes to the end of ``log``.

    Not bound to an event loop: it may be started in one and stopped in another.
    """

    def __init__(self, name: str, argv: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path) -> None:
        self.name = name
        self.log = log
        self.environment = dict(environment)
        self._argv = list(argv)
        self._cwd = cwd
        self._process: Running | None = None

    def through(self, module: str) -> None:
        """Start a Python program by ``module`` from now on, which is told the program's module and its arguments."""
        python, option, *rest = self._argv
        self._argv = [python, option, module, *rest]

    def start(self) -> None:
        """Start the process; a program that runs already is left alone."""
        if not self.running:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._process = self._spawn()

    def _spawn(self) -> Running:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._argv,
                cwd=self._cwd,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises ProgramFailed if the program was never started."""
        if self._process is None:
            raise ProgramFailed(f"{self.name} was never started")
        return self._process.pid

    @property
    def log_size(self) -> int:
        """Bytes in the log so far."""
        return self.log.stat().st_size if self.log.exists() else 0

    def output(self, since: int = 0) -> str:
        """Return the log from byte ``since`` on."""
        return self.log.read_bytes()[since:].decode(errors="replace") if self.log.exists() else ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process; one that has ended needs none."""
        if self.running:
            os.kill(self.pid, number)

    async def until(self, ready: Callable[[], Found | None], what: str, seconds: float) -> Found:
        """Return what ``ready`` returns once it is not None. Raises ProgramFailed after ``seconds`` or at its end."""
        try:
            return await until(partial(self._look, ready, what), seconds)
        except TimeoutError:
            raise ProgramFailed(f"{self.name}: no {what} within {seconds:g} s{self._last_lines()}") from None

    def _look(self, ready: Callable[[], Found | None], what: str) -> Found | None:
        running = self.running  # first: what it says at its very end is found after it
        found = ready()
        if found is None and not running:
            raise ProgramFailed(f"{self.name} ended before {what}{self._last_lines()}")
        return found

    def wait_for(self, ready: Callable[[], Found | None], what: str, seconds: float) -> Found:
        """Do as ``until``, and block."""
        deadline = time.monotonic() + seconds
        while (found := self._look(ready, what)) is None:
            if time.monotonic() > deadline:
                raise ProgramFailed(f"{self.name}: no {what} within {seconds:g} s{self._last_lines()}")
            time.sleep(_LOOK_AGAIN_SECONDS)
        return found

    def end(self, seconds: float = STOP_SECONDS) -> int:
        """Do as ``stop``, and block."""
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while self.running:
            if time.monotonic() > deadline:
                self.kill()
                raise ProgramFailed(f"{self.name} did not end within {seconds:g} s{self._last_lines()}")
            time.sleep(_LOOK_AGAIN_SECONDS)
        assert self._process is not None
        return self._process.wait()

    async def ended(self, seconds: float) -> int:
        """Wait for the process to end by itself; return its exit status. Raises ProgramFailed after ``seconds``."""
        if self._process is None:
            raise ProgramFailed(f"{self.name} was never started")
        if self._process.poll() is None:
            await self._await_end(self._process.pid, seconds)
        return self._process.wait()

    async def stop(self, seconds: float) -> int:
        """Ask it to end, and wait; return its exit status. Kills it and raises ProgramFailed if it does not end."""
        self.signal(signal.SIGTERM)
        try:
            return await self.ended(seconds)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the process and its group, and take its exit status.

        One whose status was taken is left alone: its number, and so its group's, may be another's by now.
        """
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    async def _await_end(self, pid: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        descriptor = os.pidfd_open(pid)
        loop.add_reader(descriptor, gone.set)
        try:
            async with asyncio.timeout(seconds):
                await gone.wait()
        except TimeoutError:
            raise ProgramFailed(f"{self.name} did not end within {seconds:g} s{self._last_lines()}") from None
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    def _last_lines(self) -> str:
        lines = self.output().splitlines()[-5:]
        return "".join(f"\n  {line}" for line in [f"(log: {self.log})", *lines])
