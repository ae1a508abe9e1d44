"""Run a program: the one place that starts one. Each has a deadline, a process group of its own, and capped output.

A program that hangs in the kernel cannot be killed. The call answers all the same, and what cannot be killed is handed
to ``volume_locks``, which keeps its volume locked until it is gone.
"""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

import structlog

from common import errors
from node.host import volume_locks
from node.host.leftover_programs import OWNER

OUTPUT_BYTES = 64 << 10  # of each stream; what follows is read and dropped
NO_UDEV = "DM_DISABLE_UDEV"  # libdevmapper would wait for ever for the host's udev, which sees no semaphore of ours
PIPED_BYTES = 4096  # what a pipe takes at once, whatever its user's limits (pipe(7), PIPE_BUF)
LAST_WORDS_SECONDS = 1.0  # for the kernel to take a killed group away

log = structlog.get_logger()

Observer = Callable[[str, float, int], None]  # program, seconds, exit status


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status, minus the signal's number if a signal ended it."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Return what it printed, errors first."""
        return "; ".join(part.strip().replace("\n", "; ") for part in (self.stderr, self.stdout) if part.strip())


class Commands:
    """Starts programs, as ``owner``'s (see ``orphans``). ``observe`` is told of each that ended."""

    def __init__(
        self,
        observe: Observer = lambda program, seconds, status: None,  # noqa: ARG005  # nobody by default
        owner: str = "",
    ) -> None:
        self._observe = observe
        self._environment = {**os.environ, "LC_ALL": "C", NO_UDEV: "1", OWNER: owner}
        self._starting = asyncio.Lock()  # to start one blocks the event loop for a moment: not many in a row

    async def run(self, *argv: str, seconds: float, files: Sequence[int] = (), stdin: bytes = b"") -> Ended:
        """Run ``argv`` and return how it ended, whatever its status.

        ``files`` are descriptors that the program inherits under the same numbers; ``stdin`` is what it reads, at most
        ``PIPED_BYTES``. Raises OutcomeUnknown if it does not end within ``seconds``, Unavailable if there is no such
        program.
        """
        async with self._starting:
            started = time.monotonic()
            with piped(stdin) if stdin else nullcontext(DEVNULL) as source:
                process = await _start_whole(argv, files, source, self._environment)
        try:
            async with asyncio.timeout(seconds):
                stdout, stderr, status = await asyncio.gather(
                    _capped(process.stdout), _capped(process.stderr), process.wait()
                )
        except TimeoutError as error:
            await _end(process)
            raise errors.OutcomeUnknown(f"{argv[0]} did not end within {seconds:g} s, and was killed") from error
        except asyncio.CancelledError:
            await _end(process)
            raise
        seconds_taken = time.monotonic() - started
        log.debug("program", argv=argv, status=status, seconds=round(seconds_taken, 4))
        self._observe(argv[0], seconds_taken, status)
        return Ended(argv, status, stdout, stderr)

    async def check(self, *argv: str, seconds: float, files: Sequence[int] = (), stdin: bytes = b"") -> Ended:
        """Run ``argv``; raise FailedPrecondition if it ends with another status than 0."""
        ended = await self.run(*argv, seconds=seconds, files=files, stdin=stdin)
        if ended.status != 0:
            raise errors.FailedPrecondition(f"{argv[0]} failed ({ended.status}): {ended.said[:400]}")
        return ended


def watch_children_without_threads() -> None:
    """Learn of a child's end through a file descriptor; Python before 3.12 would start a thread for each child."""
    if sys.version_info < (3, 12):
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


@contextmanager
def piped(data: bytes) -> Iterator[int]:
    """Yield a descriptor from which ``data``, at most ``PIPED_BYTES``, and then the end is read.

    All of it is in the pipe before anybody reads: a program whose starter is killed never sees a part of it.
    """
    reader, writer = os.pipe()
    try:
        os.write(writer, data)
        os.close(writer)
        yield reader
    finally:
        os.close(reader)


async def _start_whole(
    argv: tuple[str, ...], files: Sequence[int], stdin: int, environment: Mapping[str, str]
) -> Process:
    """Start a program. Cancelled half-way, asyncio would kill the program alone, not its group."""
    starting = asyncio.ensure_future(_start(argv, files, stdin, environment))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _start(argv: tuple[str, ...], files: Sequence[int], stdin: int, environment: Mapping[str, str]) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=stdin,
            stdout=PIPE,
            stderr=PIPE,
            pass_fds=files,
            start_new_session=True,
            env=environment,
        )
    except FileNotFoundError as error:
        raise errors.Unavailable(
            f"{argv[0]} is not installed", remedy=f"install {argv[0]} on the node's image"
        ) from error


async def _capped(stream: asyncio.StreamReader | None) -> str:
    """Read to the end, and keep the first part."""
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(OUTPUT_BYTES)):
        kept += chunk[: OUTPUT_BYTES - len(kept)]
    return kept.decode("utf-8", "replace")


async def _end(process: Process) -> None:
    """Kill the group. If the kernel does not let go of the program, the volume stays locked until it does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    gone = asyncio.ensure_future(process.wait())  # handed to turns, which outlives this call
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(gone), LAST_WORDS_SECONDS)
    if not gone.done():
        volume_locks.leave_behind(gone)
