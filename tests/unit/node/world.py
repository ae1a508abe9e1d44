"""A node on a simulated host, called as kubelet calls it; a test says what its programs meet."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

import pytest
from betterproto2 import Message
from grpclib.const import Status

from csi_proto.csi import v1 as csi
from node.formats.record_json import Entry
from tests.fakes.host.disks import GIB, Disk
from tests.fakes.host.kernel import Kernel, Plugged
from tests.fakes.host.programs import Fate
from tests.fakes.host.seams import SimJournal
from tests.faults.sim import drivers
from tests.faults.sim.loop import Loop
from tests.faults.sim.rpc import Failed, Served
from tools.csi.kubelet import Modes, NodeRequests, attached, mounted, raw

VOLUME, NAME = "ours", "pvc-ours"
STAGING = "/var/lib/kubelet/plugins/ours/globalmount"
CALL_SECONDS = 120.0

Reply = TypeVar("Reply", bound=Message)


def target(pod: str) -> str:
    """Where the volume is published for a pod."""
    return f"/var/lib/kubelet/pods/{pod}/volumes/ours/mount"


class World:
    """One host with one volume's disk. ``fs_type`` of a volume; empty: raw block."""

    kept: dict[tuple[type, str], Entry]
    _served: Served | None

    def __init__(self, fs_type: str = "ext4", *, filesystem: bool = False) -> None:
        self.fs_type = fs_type
        self.flags: tuple[str, ...] = ()
        self.mode = Modes.SINGLE_NODE_MULTI_WRITER
        self.kernel = Kernel("boot")
        self.kept = {}
        self.plugged: Plugged = self.kernel.plug(VOLUME, NAME, Disk(GIB))
        self.ran_programs: list[str] = []
        self.fate: Callable[[str, int], Fate] = lambda program, number: Fate()  # noqa: ARG005  # all is well
        self._loop = Loop()
        self._served = None
        if filesystem:
            self.stage()
            self.unstage()
            self.ran_programs.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.close()

    def restart(self) -> None:
        """Let another node process serve from now on."""
        self.kernel.open.clear()
        self._served = None

    def asked(self, pod: str = "pod", staging_path: str = STAGING, **context: str) -> NodeRequests:
        """What kubelet asks for a pod."""
        capability = mounted(self.fs_type, *self.flags, mode=self.mode) if self.fs_type else raw(self.mode)
        return NodeRequests(VOLUME, attached(NAME), staging_path, target(pod), capability, context)

    def stage(self, path: str = STAGING) -> None:
        """NodeStageVolume. Raises Failed, as all calls here."""
        self._call(self.asked(staging_path=path).stage(), csi.NodeStageVolumeResponse)

    def publish(self, pod: str = "pod", **context: str) -> None:
        """NodePublishVolume."""
        self._call(self.asked(pod, **context).publish(), csi.NodePublishVolumeResponse)

    def unpublish(self, pod: str = "pod") -> None:
        """NodeUnpublishVolume."""
        self._call(self.asked(pod).unpublish(), csi.NodeUnpublishVolumeResponse)

    def unstage(self) -> None:
        """NodeUnstageVolume."""
        self._call(self.asked().unstage(), csi.NodeUnstageVolumeResponse)

    def expand(self, path: str = "", *, limit_bytes: int = 0) -> int:
        """NodeExpandVolume at a path, that of the one pod if none is named; return the size."""
        asked = replace(self.asked(), target=path or target("pod"))
        return self._call(asked.expand(limit_bytes=limit_bytes), csi.NodeExpandVolumeResponse).capacity_bytes

    def now(self) -> float:
        """Return the time, seconds."""
        return self._loop.time()

    def enlarge(self) -> None:
        """Make the disk twice as large; of one that is in use the kernel learns when it is asked to look again."""
        self.plugged.disk.size_bytes = 2 * GIB
        if not self.mounted:
            self.plugged.seen_bytes = 2 * GIB

    @property
    def mounted(self) -> list[str]:
        """Where anything is mounted."""
        return [each.line.point for each in self.kernel.mounts]

    @property
    def filesystem_bytes(self) -> int:
        """How large the file system on the disk is; 0: there is none."""
        found = self.plugged.disk.filesystem
        return 0 if found is None else found.size_bytes

    def _call(self, message: Message, reply: type[Reply]) -> Reply:
        return self._loop.run_until_complete(self._served_call(message, reply))

    async def _served_call(self, message: Message, reply: type[Reply]) -> Reply:
        if self._served is None:
            self._served, _ = drivers.node("node", self, self.kernel, SimJournal(self.kept, same_boot=True), 101)
        return await self._served.call(message, reply, CALL_SECONDS)

    def draw(self, low: float, high: float) -> float:
        return (low + high) / 2

    def program_fate(self, program: str) -> Fate:
        self.ran_programs.append(program)
        return self.fate(program, len(self.ran_programs) - 1)

    def kill_node(self) -> None:
        raise AssertionError("nobody asked for that")

    def ran(self, argv: Sequence[str], status: int) -> None:
        assert argv or status

    def formatted(self, plugged: Plugged) -> None:
        assert plugged is self.plugged

    def has_formatted(self, plugged: Plugged) -> None:
        assert plugged is self.plugged


FS_TYPES = ("ext4", "xfs", "btrfs", "")


def refusal(call: Callable[[], object]) -> tuple[Status, str]:
    """Return what a call is answered with."""
    with pytest.raises(Failed) as caught:
        call()
    return caught.value.status, caught.value.message


def ends(world: World, program: str, status: int, said: str) -> None:
    """Let a program end with a status, without an effect, from now on."""
    world.fate = lambda each, _: Fate(ends=(status, said)) if each == program else Fate()


def well(world: World) -> None:
    world.fate = lambda _program, _number: Fate()
