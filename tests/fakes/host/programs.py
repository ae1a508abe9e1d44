"""The programs that the node starts, as exit statuses and effects. Each takes time, and may be killed half-way."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from common import errors
from node.host.command import Commands, Ended
from tests.fakes.host.disks import Filesystem
from tests.fakes.host.kernel import Kernel, Plugged
from tests.faults.sim.loop import sleep

SECONDS = {"mkfs": (0.3, 3.0), "e2fsck": (0.1, 1.0), "resize2fs": (0.1, 1.0), "xfs_growfs": (0.1, 0.5)}
USUAL = (0.005, 0.08)


@dataclass(frozen=True)
class Fate:
    """What happens to one run of a program, and to the node that has started it: before, in or after its effect.

    ``ends`` is a status, and what it prints, with which it ends without an effect.
    """

    extra_seconds: float = 0.0
    killed: str = ""
    ends: tuple[int, str] | None = None
    node_dies: str = ""


class Machine(Protocol):
    """What the programs ask of their host."""

    kernel: Kernel

    def draw(self, low: float, high: float) -> float: ...
    def program_fate(self, program: str) -> Fate: ...
    def kill_node(self) -> None: ...
    def ran(self, argv: Sequence[str], status: int) -> None: ...
    def formatted(self, plugged: Plugged) -> None: ...  # mkfs is about to write
    def has_formatted(self, plugged: Plugged) -> None: ...  # mkfs has ended well


class SimCommands(Commands):
    """Stands in for the programs of a host; their death is that of the process which started them."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        """Run ``argv``. Raises OutcomeUnknown if it does not end within ``seconds``; one that ``writes`` gets on."""
        assert not stdin, argv
        program = argv[0].partition(".")[0]
        fate = self._machine.program_fate(program)
        took = self._machine.draw(*SECONDS.get(program, USUAL)) + fate.extra_seconds
        before = took * self._machine.draw(0.1, 0.9)
        idle = fate.killed == "before" or fate.ends is not None
        finish = _nothing if idle else self._begin(program, argv, files)
        try:
            async with asyncio.timeout(None if writes else seconds):
                await sleep(before)
                if fate.node_dies == "before":
                    self._machine.kill_node()
                    await sleep(0)  # the last step of this process
                if fate.killed in {"before", "in"}:
                    return self._ended(argv, -9, "")
                status, said = fate.ends or finish()
                if fate.killed:
                    return self._ended(argv, -9, "")
                if fate.node_dies == "after":
                    self._machine.kill_node()
                await sleep(took - before)
        except TimeoutError as error:
            raise errors.OutcomeUnknown(f"{argv[0]} did not end within {seconds:g} s, and was killed") from error
        return self._ended(argv, status, said)

    def _ended(self, argv: tuple[str, ...], status: int, said: str) -> Ended:
        self._machine.ran(argv, status)
        return Ended(argv, status, said, "" if status == 0 else said)

    def _begin(self, program: str, argv: tuple[str, ...], files: Sequence[int]) -> Callable[[], tuple[int, str]]:
        """Do what a program does at once; return the rest."""
        kernel = self._machine.kernel
        plugged = kernel.open[files[0]].plugged if files else None
        if program == "mkfs":
            return self._mkfs(argv[0].partition(".")[2], plugged)
        if program == "mount":
            return lambda: self._mount(argv)
        if program == "umount":
            return lambda: _status(kernel.umount(argv[-1]), 32)
        if program == "blkid":
            return lambda: _blkid(kernel, plugged)
        if program in {"resize2fs", "xfs_growfs", "btrfs"}:
            return lambda: self._grow(argv[-1], plugged)
        assert program in {"e2fsck", "wipefs"}, argv
        return lambda: self._touch(program, plugged)

    def _mkfs(self, kind: str, plugged: Plugged | None) -> Callable[[], tuple[int, str]]:
        kernel = self._machine.kernel
        if plugged is None or not kernel.is_alive(plugged) or kernel.is_busy(plugged):
            return lambda: (1, "Device or resource busy")
        self._machine.formatted(plugged)
        disk = plugged.disk
        disk.filesystem, disk.block_log, disk.torn = None, [], kind

        def finish() -> tuple[int, str]:
            if not kernel.is_alive(plugged):
                return 1, "Input/output error"
            disk.torn = ""
            disk.filesystem = Filesystem(kind, plugged.seen_bytes, f"uuid-{self._machine.draw(0, 1):.9f}")
            self._machine.has_formatted(plugged)
            return 0, ""

        return finish

    def _mount(self, argv: tuple[str, ...]) -> tuple[int, str]:
        kernel = self._machine.kernel
        source, target = argv[-2:]
        options = frozenset(argv[argv.index("-o") + 1].split(",")) if "-o" in argv else frozenset[str]()
        if "bind" in options:
            return _status(kernel.bind(source, target, options), 32)
        plugged = next((each for each in kernel.disks.values() if f"/dev/{each.kernel_name}" == source), None)
        if plugged is None:
            return 32, "special device does not exist"
        return _status(kernel.mount(plugged, argv[argv.index("-t") + 1], options, target), 32)

    def _grow(self, subject: str, plugged: Plugged | None) -> tuple[int, str]:
        kernel = self._machine.kernel
        if plugged is None:
            seen = kernel.top(subject)
            named = (each for each in kernel.disks.values() if f"/dev/{each.kernel_name}" == subject)
            plugged = seen.plugged if seen is not None else next(named, None)
        if plugged is None or not kernel.is_alive(plugged) or plugged.disk.filesystem is None:
            return 1, "Input/output error"
        if any("ro" in each.line.super_options for each in kernel.mounts if each.plugged is plugged):
            return 1, "Read-only file system"
        plugged.disk.filesystem.size_bytes = plugged.seen_bytes
        return 0, ""

    def _touch(self, program: str, plugged: Plugged | None) -> tuple[int, str]:
        if plugged is None or not self._machine.kernel.is_alive(plugged):
            return 8, "Input/output error"
        if program == "wipefs":
            plugged.disk.filesystem = None
        return 0, ""


def _nothing() -> tuple[int, str]:
    """Do nothing."""
    return 0, ""


def _blkid(kernel: Kernel, plugged: Plugged | None) -> tuple[int, str]:
    if plugged is None or plugged.unreadable or not kernel.is_alive(plugged) or plugged.disk.filesystem is None:
        return 2, ""
    return 0, f"TYPE={plugged.disk.filesystem.kind}\nUSAGE=filesystem\nUUID={plugged.disk.filesystem.uuid}"


def _status(said: str, otherwise: int) -> tuple[int, str]:
    return (otherwise, said) if said else (0, "")
