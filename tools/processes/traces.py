"""What a run has left on this machine: mounts, loop devices, processes, listening sockets. Names it, and takes it away.

Ours is what lies under the run's own folder or carries its mark in the environment, and at the end of everything what
descends from this process; nothing else is ever touched.

Sources: proc_pid_mountinfo(5); Documentation/ABI/testing/sysfs-block-loop (backing_file); proc_net_unix (unix(7)).
"""

import os
import re
import select
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "HARNESS_RUN"
"""Environment variable that every process of a run inherits: the run's folder, or one in it."""

OUTLIVES = "HARNESS_OUTLIVES"
"""Environment variable of what outlives a run on purpose: what cleans up after it, or a cluster of several runs."""

_LISTENING = "00010000"  # __SO_ACCEPTCON in the flags of /proc/net/unix


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo: where, what device (``major:minor``), and the line itself."""

    point: Path
    device: str
    line: str


@dataclass(frozen=True)
class Loop:
    """A loop device with a backing file: ``/dev/loopN``, its ``major:minor``, and the file."""

    path: Path
    device: str
    backing_file: str


@dataclass(frozen=True)
class Process:
    """A running process and its command line."""

    pid: int
    command: str


@dataclass(frozen=True)
class Traces:
    """All that a run has on this machine at one moment."""

    mounts: tuple[Mount, ...]
    loops: tuple[Loop, ...]
    processes: tuple[Process, ...]
    sockets: tuple[Path, ...]

    def lines(self) -> list[str]:
        """Name each, one a line; empty when there is nothing."""
        return [
            *(f"process {process.pid}: {process.command}" for process in self.processes),
            *(f"mount: {mount.line}" for mount in self.mounts),
            *(f"loop device {loop.path}: {loop.backing_file}" for loop in self.loops),
            *(f"listening socket: {path}" for path in self.sockets),
        ]


def find(folder: Path, *, children: bool = False) -> Traces:
    """Return what the run in ``folder`` has on this machine now, and, with ``children``, all that we started."""
    return Traces(
        mounts=mounts(folder),
        loops=loops(folder),
        processes=tuple(_processes(folder, children=children)),
        sockets=tuple(path for path in _listening_sockets() if _is_under(str(path), folder)),
    )


def clean(folder: Path, *, children: bool = False) -> None:
    """End the run's processes, unmount its mounts (the youngest first), and detach its loop devices."""
    for process in find(folder, children=children).processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
            _await_end(process.pid, seconds=5)
    for mount in reversed(find(folder).mounts):
        if _command("umount", str(mount.point)) != 0:
            _command("umount", "--lazy", str(mount.point))
    for loop in find(folder).loops:
        _command("losetup", "--detach", str(loop.path))


def remove(folder: Path) -> None:
    """Clean, and remove the folder. Raises OSError if something is still mounted in it."""
    clean(folder)
    if left := find(folder).mounts:
        raise OSError(f"still mounted: {left[0].point}")
    shutil.rmtree(folder, ignore_errors=True)


def mounts(folder: Path) -> tuple[Mount, ...]:
    """Return the mounts under ``folder``, and those elsewhere whose device is ours; the oldest first."""
    devices = {loop.device for loop in loops(folder)}
    return tuple(m for m in all_mounts() if _is_under(str(m.point), folder) or m.device in devices)


def loops(folder: Path) -> tuple[Loop, ...]:
    """Return the loop devices on files under ``folder``, be they deleted or not."""
    return tuple(loop for loop in all_loops() if _is_under(loop.backing_file, folder))


def all_mounts() -> list[Mount]:
    """Return the mounts of this mount namespace, the oldest first."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return [Mount(Path(_unescape(line.split(" ")[4])), line.split(" ")[2], line) for line in lines]


def all_loops() -> list[Loop]:
    """Return the loop devices that have a backing file, be it deleted or not."""
    return [loop for block in sorted(Path("/sys/block").glob("loop*")) if (loop := _loop(block)) is not None]


def socket_files(folder: Path) -> list[Path]:
    """Return the socket files under ``folder``, listening or stale."""
    return [path for path in folder.rglob("*") if stat.S_ISSOCK(path.lstat().st_mode)]


def _loop(block: Path) -> Loop | None:
    try:
        backing_file = (block / "loop" / "backing_file").read_text().removesuffix("\n")
        return Loop(Path("/dev") / block.name, (block / "dev").read_text().strip(), backing_file)
    except OSError:  # no file behind it, or detached meanwhile
        return None


def _processes(folder: Path, *, children: bool) -> Iterator[Process]:
    parents = _parents()
    for pid in parents:
        with suppress(OSError):  # gone meanwhile, or another user's
            environment = dict(_variables(Path(f"/proc/{pid}/environ").read_text(errors="replace")))
            marked = MARK in environment and _is_under(environment[MARK], folder)
            if OUTLIVES not in environment and (marked or (children and _descends(pid, parents))):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                yield Process(pid, command.decode(errors="replace").strip())


def _variables(environment: str) -> Iterator[tuple[str, str]]:
    for variable in environment.split("\0"):
        name, _, value = variable.partition("=")
        yield name, value


def _parents() -> dict[int, int]:
    """Return the parent of each process that runs, this one left out. One that waits to be reaped has ended."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state != "Z" and int(path.parent.name) != os.getpid():
                parents[int(path.parent.name)] = int(parent)
    return parents


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while (pid := parents.get(pid, 0)) != 0:
        if pid == os.getpid():
            return True
    return False


def _listening_sockets() -> Iterator[Path]:
    for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="surrogateescape").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if fields[3] == _LISTENING and fields[-1].startswith("/"):
            yield Path(fields[-1])


def _is_under(path: str, folder: Path) -> bool:
    return Path(path.removesuffix(" (deleted)")).is_relative_to(folder)


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _await_end(pid: int, seconds: float) -> None:
    """Wait until the process has ended; its exit status is left to whoever started it."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(descriptor)


def _command(*argv: str) -> int:
    return subprocess.run(argv, check=False, capture_output=True, timeout=30).returncode
