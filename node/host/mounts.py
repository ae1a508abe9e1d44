"""The mounts of this host: read, made and taken away. Never a lazy unmount: it would hide that data is still written.

mount(8) and umount(8) are programs of their own, because the system call can hang for ever on a dead device: a program
that hangs costs a process entry, a thread that hangs would keep this process from ending (decision 0010).

Source: mount(8), umount(8), proc_pid_mountinfo(5).
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from common import errors
from node.formats import mountinfo
from node.host import processes
from node.host.command import Commands, Ended
from node.host.sysfs import device_number
from node.host.threads import Threads
from node.records.kernel import Mount

TABLE_SECONDS = 10.0
_MOUNT_FAILED = 32


class Mounts:
    """Mounts in this process's mount namespace."""

    def __init__(self, commands: Commands, threads: Threads, seconds: float) -> None:
        self._commands = commands
        self._threads = threads
        self._seconds = seconds  # for one mount or umount

    async def table(self) -> tuple[Mount, ...]:
        """Return all mounts, oldest first. A btrfs is given the number of its device in place of its own."""
        return await self._threads.call(read_table, TABLE_SECONDS, "reading mountinfo")

    async def mount(self, source: str, target: str, kind: str, options: Sequence[str]) -> None:
        """Mount a file system. Raises FailedPrecondition with what mount says."""
        flags = ("-o", ",".join(options)) if options else ()
        argv = ("mount", "-i", "-t", kind, *flags, source, target)
        ended = await self._commands.run(*argv, seconds=self._seconds)
        if ended.status != 0:
            raise errors.FailedPrecondition(
                f"cannot mount {source} at {target} as {kind}: {_reason(ended)}",
                remedy="look into the kernel log; a damaged file system has to be repaired by hand (snapshot it first)",
            )

    async def bind(self, source: str, target: str, options: Sequence[str]) -> None:
        """Mount a folder or a device node a second time."""
        ended = await self._commands.run("mount", "-i", "-o", ",".join(options), source, target, seconds=self._seconds)
        if ended.status != 0:
            raise errors.FailedPrecondition(f"cannot publish {source} at {target}: {_reason(ended)}")

    async def unmount(self, target: str) -> None:
        """Take away the topmost mount at ``target``. Raises Unavailable, naming who uses it, if it is busy."""
        ended = await self._commands.run("umount", "-i", "-c", target, seconds=self._seconds)
        if ended.status == 0 or not mountinfo.at(await self.table(), target):
            return
        users = await self._threads.call(partial(processes.users, target), TABLE_SECONDS, "looking for processes")
        raise errors.Unavailable(
            f"cannot unmount {target}: {_reason(ended)}{'; used by ' + ', '.join(users) if users else ''}",
            remedy="end the processes that use it; the next attempt unmounts it",
        )

    async def unmount_all(self, mounts: tuple[Mount, ...]) -> None:
        """Take away ``mounts``, the last one first: an interrupted call may have left two at one place."""
        for mount in reversed(mounts):
            await self.unmount(mount.point)


def read_table() -> tuple[Mount, ...]:
    """Read the mounts of this process's mount namespace; blocks."""
    text = Path("/proc/self/mountinfo").read_bytes().decode("utf-8", "surrogateescape")
    return tuple(_with_device(mount) if mount.kind == "btrfs" else mount for mount in mountinfo.parse(text))


def _with_device(mount: Mount) -> Mount:
    """Find the device of a btrfs, whose own number is not a device's."""
    try:
        return replace(mount, number=device_number(os.stat(mount.source).st_rdev))  # noqa: PTH116  # as in mountinfo
    except OSError:
        return mount


def _reason(ended: Ended) -> str:
    return f"{ended.said[:400]} ({ended.status})"
