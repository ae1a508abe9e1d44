"""The one place of the embedded cloud that starts programs: QEMU and what serves its disks.

A process is held by a descriptor, so that its number can't pass to another one unnoticed. It may be a child, or one
that an earlier run of the cloud has left behind.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from localcloud.guests.errors import GuestError


class Process:
    """A running process."""

    def __init__(self, pid: int, child: "subprocess.Popen[bytes] | None" = None) -> None:
        """Raises ProcessLookupError if there is none of that number."""
        self.pid = pid
        self._child = child
        self._descriptor = os.pidfd_open(pid)

    @classmethod
    def start(cls, argv: Sequence[str], folder: Path, log: Path, *, dies_with_us: bool) -> Self:
        """Start a program in ``folder``; its output goes to ``log``. Raises OSError.

        ``dies_with_us``: the kernel kills it when the thread that started it ends, however that happens.
        """
        before = ("setpriv", "--pdeathsig", "KILL") if dies_with_us else ()
        with log.open("wb") as output:
            child = subprocess.Popen(
                [*before, *argv],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(child.pid, child)

    @property
    def running(self) -> bool:
        """Say whether it has not ended."""
        try:
            signal.pidfd_send_signal(self._descriptor, 0)
        except ProcessLookupError:
            return False
        return self._child is None or self._child.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended needs none."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    async def ended(self, seconds: float) -> None:
        """Wait for its end. Raises GuestError after ``seconds``."""
        gone, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(self._descriptor, gone.set)
        try:
            async with asyncio.timeout(seconds):
                await gone.wait()
        except TimeoutError:
            raise GuestError(f"process {self.pid} did not end within {seconds:g} s") from None
        finally:
            loop.remove_reader(self._descriptor)

    async def end(self) -> None:
        """Kill it and forget it."""
        self.signal(signal.SIGKILL)
        await self.ended(30)
        if self._child is not None:
            self._child.wait()
        os.close(self._descriptor)


async def run(*argv: str, seconds: float = 60) -> None:
    """Run a program to its end. Raises GuestError if it fails."""
    try:
        done = await asyncio.to_thread(
            subprocess.run, argv, check=False, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GuestError(f"{argv[0]}: {error}") from error
    if done.returncode != 0:
        raise GuestError(f"{' '.join(argv)}: {done.stderr.decode(errors='replace').strip()}")
