"""A node on this host, called as kubelet calls it, with one volume on a loop device that can die."""

import asyncio
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pytest
from betterproto2 import Message

from common import errors
from common.tasks import Tasks
from node.host import mount_calls
from node.host.command import Commands, Ended
from node.records.state import Published, Staged
from node.requests import Requests
from node.service import Node
from tests.faults.sim.rpc import Failed
from tests.harness.kubelets_node import KubeletsNode
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import GIB, Disks
from tools.csi.client import ROUTES
from tools.processes import traces
from tools.processes.run import ToolFailed, run
from tools.services.stack import DRIVER_NAME

ROOM = "512m"  # for what is written to the volume's file

Reply = TypeVar("Reply", bound=Message)


class FatedCommands(Commands):
    """Starts another program in place of some, which only ends."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.ends: dict[str, tuple[int, str]] = {}

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        self.ran.append(argv[0])
        status, said = self.ends.get(argv[0], (0, ""))
        if not status:
            return await super()._execute(argv, seconds, files, stdin, writes=writes)
        instead = ("sh", "-c", f'echo "$0" >&2; exit {status}', said)
        ended = await super()._execute(instead, seconds, files, stdin, writes=writes)
        return Ended(argv, ended.status, ended.stdout, ended.stderr)


class RealNode(KubeletsNode):
    """The node's parts in this process. The disk of its volume has no room for more than has been written."""

    def __init__(self, folder: Path, fs_type: str, *, formatted: bool) -> None:
        self._disks = Disks(folder)
        run("mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(self._disks.files))
        self.disk = self._disks.blank()
        super().__init__(self.disk.id, self.disk.name, str(folder), fs_type)
        self._folder = folder
        self._runner = asyncio.Runner()
        self._kernel = pytest.MonkeyPatch()
        self.restart()
        if formatted:
            self.stage()
            self.unstage()
            self.ran_programs.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._kernel.undo()
        self._runner.close()
        for mount in reversed(self.mounted):
            run("umount", mount)
        self._disks.close()
        run("umount", str(self._disks.files))

    @property
    def bench(self) -> Bench:
        """The node's parts."""
        return self._bench

    def restart(self) -> None:
        self._commands = FatedCommands()
        self.ran_programs = self._commands.ran
        self._bench = make_bench(self._folder, self._disks, Tasks(), self._commands)
        self.grows_mounted_ext = self._bench.host.sysfs.has_capability(24)

    def lose_state(self) -> None:
        shutil.rmtree(self._folder / "state")

    def records(self) -> Sequence[object]:
        return [*self._bench.host.state.all(Staged), *self._bench.host.state.all(Published)]

    @property
    def mounted(self) -> list[str]:
        points = [str(mount.point) for mount in traces.mounts(self._folder)]
        return [point for point in points if point != str(self._disks.files)]

    @property
    def is_large(self) -> bool:
        usage = os.statvfs(self.staging)
        return usage.f_blocks * usage.f_frsize > 1.8 * GIB

    def enlarge(self) -> None:
        os.truncate(self.disk.file, 2 * GIB)
        run("losetup", "--set-capacity", self.disk.loop)

    def ends(self, program: str, status: int, said: str) -> None:
        self._commands.ends[program] = (status, said)
        self._kernel.setattr(mount_calls, "_OPEN_TREE", -1)  # as on an older kernel: each mount is a program's

    def well(self) -> None:
        self._commands.ends.clear()
        self._kernel.undo()

    def die(self) -> None:
        if self.fs_type == "xfs":  # it would go on trying to write until it has to log
            run("xfs_io", "-x", "-c", "shutdown", self.staging)
            return
        used = os.statvfs(self._disks.files)
        self._let_room(f"{(used.f_blocks - used.f_bfree) * used.f_frsize}")
        for number in range(3):
            with suppress(OSError, ToolFailed):
                Path(self.staging, f"{number}").mkdir()
                Path(self.staging, f"{number}", "too much").write_bytes(os.urandom(4 << 20))
                run("sync", "-f", self.staging)

    def heal(self) -> None:
        self._let_room(ROOM)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        descriptor = os.open(self.disk.loop, os.O_RDONLY | os.O_EXCL)
        try:
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def partitioned(self) -> Iterator[None]:
        run("sfdisk", "-q", "--no-reread", self.disk.loop, stdin=b"label: gpt\n,100M\n,\n")
        run("partx", "--add", self.disk.loop)
        try:
            yield
        finally:
            run("partx", "--delete", self.disk.loop)

    def _let_room(self, size: str) -> None:
        run("mount", "-o", f"remount,size={size}", str(self._disks.files))

    def call(self, message: Message, reply: type[Reply]) -> Reply:
        return self._runner.run(self._answer(message, reply))

    async def _answer(self, message: Message, reply: type[Reply]) -> Reply:
        path = ROUTES[type(message)].path
        service = Node(Requests(DRIVER_NAME), self._bench.parts)
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in path.rpartition("/")[2])
        try:
            answer: object = await getattr(service, name.lstrip("_"))(message)
        except errors.DriverError as error:
            raise Failed(path, error.status, str(error)) from error
        assert isinstance(answer, reply)
        return answer
