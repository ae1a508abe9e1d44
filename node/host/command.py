"""Run a program: the one place that starts one. Each has a deadline, a process group of its own, and capped output.

A program that a signal ends has judged nothing, and is never read as if it had: that is decided here, for every
program. One that writes is not cut off while it gets on, and is asked to end before it is killed.

A program that hangs in the kernel cannot be killed. The call answers all the same, and what cannot be killed is handed
to ``volume_locks``, which keeps its volume locked until it is gone.
"""

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from common import deadlines, errors
from node.codes import Code
from node.formats import exit_status
from node.formats.exit_status import ExitMeaning
from node.host import memory, progress, volume_locks
from node.host.leftover_programs import OWNER

OUTPUT_BYTES = 64 << 10  # of each stream; what follows is read and dropped
NO_UDEV = "DM_DISABLE_UDEV"  # libdevmapper would wait for ever for the host's udev, which sees no semaphore of ours
E2FSCK_CONFIG = Path(__file__).with_name("e2fsck.conf")  # e2fsck(8), ENVIRONMENT
PIPED_BYTES = 4096  # what a pipe takes at once, whatever its user's limits (pipe(7), PIPE_BUF)
LAST_WORDS_SECONDS = 1.0  # for the kernel to take a killed group away
_PINNED = re.compile(r"/proc/self/fd/([0-9]{1,9})")
ENDING_SECONDS = 10.0  # for a program that writes to bring what it writes to an end when it is asked to

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

    @property
    def words(self) -> str:
        """Return how it ended and what it said, for a message."""
        return exit_status.words(self.argv[0], self.status, self.said)


class Commands:
    """Starts programs, as ``owner``'s (see ``leftover_programs``). ``observe`` is told of each that ended.

    ``memory_bytes`` is how much address space each may take; 0: no limit.
    """

    def __init__(
        self,
        observe: Observer = lambda program, seconds, status: None,  # noqa: ARG005  # nobody by default
        owner: str = "",
        memory_bytes: int = 0,
    ) -> None:
        self._observe = observe
        self._memory_bytes = memory_bytes
        self._environment = {**os.environ, "LC_ALL": "C", NO_UDEV: "1", OWNER: owner}
        self._environment["E2FSCK_CONFIG"] = str(E2FSCK_CONFIG)
        self._starting = asyncio.Lock()  # to start one blocks the event loop for a moment: not many in a row

    async def run(
        self, *argv: str, seconds: float, files: Sequence[int] = (), stdin: bytes = b"", writes: bool = False
    ) -> Ended:
        """Run ``argv`` and return how it ended by itself, whatever its status.

        ``files`` are descriptors that the program inherits under the same numbers; ``stdin`` is what it reads, at most
        ``PIPED_BYTES``. ``writes``: ``seconds`` are how long it may go without progress, not how long it may take.
        Raises OutcomeUnknown if it does not end in time, or was killed; Unavailable if there is no such program.
        """
        ended = await self._execute(argv, seconds, files, stdin, writes=writes)
        if ended.status < 0:
            raise exit_status.killed(_at_work(argv, files), -ended.status)
        return ended

    async def check(
        self, *argv: str, seconds: float, files: Sequence[int] = (), stdin: bytes = b"", writes: bool = False
    ) -> Ended:
        """Run ``argv``. Raises FailedPrecondition if its end is a verdict, OutcomeUnknown if it could not judge."""
        ended = await self.run(*argv, seconds=seconds, files=files, stdin=stdin, writes=writes)
        meaning = exit_status.read(argv[0], ended.status, ended.said)
        if meaning is ExitMeaning.DONE:
            return ended
        kind = errors.FailedPrecondition if meaning is ExitMeaning.VERDICT else errors.OutcomeUnknown
        raise kind(
            exit_status.words(_at_work(argv, files), ended.status, ended.said),
            remedy="look into the kernel log (dmesg)",
            error_code=Code.PROGRAM_FAILED,
        )

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        async with self._starting:
            started = time.monotonic()
            with piped(stdin) if stdin else nullcontext(DEVNULL) as source:
                process = await _start_whole(argv, files, source, self._environment)
            memory.restrict(process.pid, self._memory_bytes)
        ending_seconds = ENDING_SECONDS if writes else 0.0
        try:
            with deadlines.during(f"{_at_work(argv, files)} is still running"):
                stdout, stderr, status = await _finish(process, seconds, writes=writes)
        except TimeoutError as error:
            await _end(process, ending_seconds)
            what = "made no progress for" if writes else "did not end within"
            raise errors.OutcomeUnknown(
                f"{_at_work(argv, files)} {what} {seconds:g} s, and was killed", error_code=Code.PROGRAM_HUNG
            ) from error
        except asyncio.CancelledError:
            await _end(process, ending_seconds)
            raise
        seconds_taken = time.monotonic() - started
        log.debug("program", argv=argv, status=status, seconds=round(seconds_taken, 4))
        self._observe(argv[0], seconds_taken, status)
        return Ended(argv, status, _named(stdout, files), _named(stderr, files))


async def _finish(process: Process, seconds: float, *, writes: bool) -> tuple[str, str, int]:
    """Wait for its end; return its output and status. Raises TimeoutError."""
    ending = asyncio.ensure_future(_outcome(process))
    try:
        while True:
            before = progress.of(process.pid) if writes else ()
            await asyncio.wait((ending,), timeout=seconds)
            if ending.done():
                return await ending
            if not writes or progress.of(process.pid) == before:
                raise TimeoutError
    finally:
        ending.cancel()


async def _outcome(process: Process) -> tuple[str, str, int]:
    return await asyncio.gather(_capped(process.stdout), _capped(process.stderr), process.wait())


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
        await _end(await starting, 0.0)
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
    except (FileNotFoundError, PermissionError) as error:  # the latter also for a folder of PATH that cannot be read
        denied = f", or may not be run: {error.strerror}" if isinstance(error, PermissionError) else ""
        raise errors.Unavailable(
            f"{argv[0]} is not installed{denied}",
            remedy=f"install {argv[0]} on the node's image",
            error_code=Code.PROGRAM_MISSING,
        ) from error


def _at_work(argv: Sequence[str], files: Sequence[int]) -> str:
    """Return the program, and the last path that it was given: what it works on."""
    paths = [word for word in argv[1:] if word.startswith("/")]
    return f"{argv[0]} on {_named(paths[-1], files)}" if paths else argv[0]


def _named(said: str, files: Sequence[int]) -> str:
    """Return what a program said with the names of its files, which it knows by their descriptors alone."""

    def name(found: re.Match[str]) -> str:
        try:
            return str(Path(found[0]).readlink()) if int(found[1]) in files else found[0]
        except OSError:  # it is closed: the words of a program are told all the same
            return found[0]

    return _PINNED.sub(name, said)


async def _capped(stream: asyncio.StreamReader | None) -> str:
    """Read to the end, and keep the first part."""
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(OUTPUT_BYTES)):
        kept += chunk[: OUTPUT_BYTES - len(kept)]
    return kept.decode("utf-8", "replace")


async def _end(process: Process, ending_seconds: float) -> None:
    """End the group: ask it to, for ``ending_seconds``, then kill it.

    If the kernel does not let go of the program, the volume stays locked until it does.
    """
    gone = asyncio.ensure_future(process.wait())  # handed to volume_locks, which outlives this call
    if ending_seconds:
        _signal(process, signal.SIGTERM)
        await asyncio.wait((gone,), timeout=ending_seconds)
    _signal(process, signal.SIGKILL)
    await asyncio.wait((gone,), timeout=LAST_WORDS_SECONDS)
    if not gone.done():
        volume_locks.leave_behind(gone)


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
