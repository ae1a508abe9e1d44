"""The mounts of this host: read, made and taken away. Never a lazy unmount: it would hide that data is still written.

mount(8) and umount(8) are programs of their own where the system call can hang for ever on a dead device: a program
that hangs costs a process entry, a thread that hangs would keep this process from ending (decision 0010). A bind mount
is made, and one of a file system that stays mounted is taken away, without them.

Source: mount(8), umount(8), proc_pid_mountinfo(5).
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from common import errors
from node.codes import Code
from node.formats import exit_status, mountinfo
from node.formats.exit_status import ExitMeaning
from node.formats.mountinfo import MountTable
from node.host import mount_calls, paths, processes, statmount
from node.host.command import Commands
from node.host.threads import Threads
from node.records.kernel import Mount

TABLE_SECONDS = 10.0
_MOUNTINFO = "/proc/self/mountinfo"
_PART_BYTES = 4096  # the kernel gives no more at once


class Mounts:
    """Mounts in this process's mount namespace."""

    def __init__(self, commands: Commands, threads: Threads, seconds: float) -> None:
        self._commands = commands
        self._threads = threads
        self._seconds = seconds  # for one mount or umount

    async def table(self) -> MountTable:
        """Return all mounts. A btrfs is given the number of its device in place of its own."""
        return await self._threads.call(read_table, TABLE_SECONDS, "reading mountinfo")

    async def mount(self, source: str, target: str, kind: str, options: Sequence[str]) -> None:
        """Mount a file system. Raises FailedPrecondition if the kernel refuses its content, else OutcomeUnknown.

        ``-w``: one that cannot be written to is not mounted to be read only, which would look like one that has died.
        """
        access = () if "ro" in options else ("-w",)
        flags = (*access, "-t", kind, *(("-o", ",".join(options)) if options else ()))
        ended = await self._commands.run("mount", "-i", *flags, source, target, seconds=self._seconds)
        meaning = exit_status.read("mount", ended.status, ended.said)
        if meaning is ExitMeaning.VERDICT:
            raise errors.FailedPrecondition(
                f"cannot mount {source} at {target} as {kind}: {ended.words}",
                remedy="look into the kernel log (dmesg): a feature that is newer than this kernel needs a "
                "newer node; a damaged file system has to be repaired by hand (snapshot it first)",
                error_code=Code.MOUNT_FAILED,
            )
        if meaning is not ExitMeaning.DONE:
            raise errors.OutcomeUnknown(
                f"mounting {source} at {target} as {kind} has failed: {ended.words}",
                remedy="look into the kernel log (dmesg); the next attempt looks again",
                error_code=Code.MOUNT_FAILED,
            )

    async def bind(self, source: str, target: str, options: Sequence[str]) -> None:
        """Mount a folder or a device node a second time. Raises OutcomeUnknown if that fails."""
        work = partial(mount_calls.bind, source, target, options)
        if await self._threads.call(work, TABLE_SECONDS, f"mounting at {target}"):
            return
        ended = await self._commands.run("mount", "-i", "-o", ",".join(options), source, target, seconds=self._seconds)
        if ended.status != 0:
            raise errors.OutcomeUnknown(
                f"cannot publish {source} at {target}: {ended.words}", error_code=Code.MOUNT_FAILED
            )

    async def unmount(self, target: str, beside: Sequence[str] = ()) -> None:
        """Take away the topmost mount at ``target``. Raises Unavailable, naming who uses it, if it is busy.

        ``beside`` are paths at which its file system may be mounted, too: then no program is needed. Without ``-c``,
        umount asks the folder (stat, statfs), which is answered from memory. It reads all mounts of the node only where
        a dead xfs refuses that, and for a device node, which is not a folder.
        """
        async with self._threads.kept_out((target, look_at(target)), TABLE_SECONDS):
            take_away = partial(mount_calls.take_away, target, beside)
            if bool(beside) and await self._threads.call(take_away, TABLE_SECONDS, f"unmounting {target}"):
                return
            ended = await self._commands.run("umount", "-i", target, seconds=self._seconds)
        if ended.status == 0 or not (await self.table()).at(target):
            return
        points = [mount.point for mount in await self.table() if mount.point.startswith(f"{target}/")]
        found = await self._threads.call(partial(processes.users_of_mount, target), TABLE_SECONDS, "looking for users")
        users = (*(f"the mount at {point}" for point in sorted(points)[: processes.MOST]), *found)
        raise errors.Unavailable(
            f"cannot unmount {target}: {ended.words}{'; used by ' + ', '.join(users) if users else ''}",
            remedy="end its processes, unmount what is mounted below it, let go of its files (losetup -d, swapoff); "
            "then the next attempt unmounts it",
            error_code=Code.UNMOUNT_BUSY,
        )

    async def unmount_all(self, mounts: tuple[Mount, ...], beside: Sequence[str] = ()) -> None:
        """Take away ``mounts``, the last one first: an interrupted call may have left two at one place."""
        for mount in reversed(mounts):
            await self.unmount(mount.point, beside)


def look_at(path: str) -> str:
    """Return the key of looks at a mount that ask nothing of its file system: one that hangs does not hold them up."""
    return f"the mount at {path}"


def refusal(path: str) -> str:
    """Return why the folder at ``path`` cannot be opened, nothing if it can: all that shows that an xfs is shut down.

    Nothing is read from the disk for it. Blocks.
    """
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def read_table() -> MountTable:
    """Read the mounts of this process's mount namespace; blocks."""
    return MountTable(Path(_MOUNTINFO).read_bytes(), paths.block_number)


def mount_of(descriptor: int) -> Mount | None:
    """Return the mount that an open file lies in; a btrfs has the number of its device. Blocks."""
    found = statmount.mount_of(descriptor) or read_mount(paths.mount_id(descriptor))
    return None if found is None else _of_device(found)


def mounts_at(path: str) -> tuple[Mount, ...]:
    """Return what is mounted at ``path``, the mount that is seen there last; blocks."""
    try:
        with paths.pinned(path) as descriptor:
            found = statmount.mounts_at(descriptor, path)
    except OSError:
        found = None
    return read_table().at(path) if found is None else tuple(map(_of_device, found))


def mount_around(path: str) -> Mount | None:
    """Return the mount in which ``path`` lies, not the one that is seen at it. Blocks, and raises OSError."""
    for parent in Path(path).parents:
        try:
            with paths.pinned(parent) as descriptor:
                return mount_of(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            continue
    return None


def _of_device(mount: Mount) -> Mount:
    number = paths.block_number(mount.source) if mount.kind == "btrfs" else ""
    return replace(mount, number=number) if number else mount


def read_mount(mount_id: int, table: str = _MOUNTINFO) -> Mount | None:
    """Return one mount, reading no further than its line; blocks. The mounts in which others lie are old."""
    start, rest = b"%d " % mount_id, b""
    with Path(table).open("rb", buffering=0) as file:
        while part := file.read(_PART_BYTES):
            *lines, rest = (rest + part).split(b"\n")
            if found := next((line for line in lines if line.startswith(start)), None):
                return mountinfo.parse_line(found)
    return None
