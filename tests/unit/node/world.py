"""A node on a simulated host, called as kubelet calls it; a test says what its programs meet."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from betterproto2 import Message

from node.formats.record_json import Entry
from tests.fakes.host.disks import GIB, Disk
from tests.fakes.host.kernel import Kernel, Open, Plugged
from tests.fakes.host.programs import Fate
from tests.fakes.host.seams import SimJournal
from tests.faults.sim import drivers
from tests.faults.sim.loop import Loop
from tests.faults.sim.rpc import Served
from tests.harness.kubelets_node import KubeletsNode, refusal

__all__ = ["NAME", "STAGING", "VOLUME", "World", "refusal", "target"]

VOLUME, NAME = "ours", "pvc-ours"
KUBELET = "/var/lib/kubelet"
STAGING = f"{KUBELET}/plugins/ours/globalmount"
CALL_SECONDS = 120.0

Reply = TypeVar("Reply", bound=Message)


def target(pod: str) -> str:
    """Where the volume is published for a pod."""
    return f"{KUBELET}/pods/{pod}/volumes/ours/mount"


class World(KubeletsNode):
    """One simulated host with one volume's disk."""

    kept: dict[tuple[type, str], Entry]
    _served: Served | None

    def __init__(self, fs_type: str = "ext4", *, filesystem: bool = False) -> None:
        super().__init__(VOLUME, NAME, KUBELET, fs_type)
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
        self.kernel.open.clear()
        self._served = None

    def lose_state(self) -> None:
        self.kept.clear()

    def records(self) -> Sequence[object]:
        return list(self.kept.values())

    def ends(self, program: str, status: int, said: str) -> None:
        self.fate = lambda each, _: Fate(ends=(status, said)) if each == program else Fate()

    def well(self) -> None:
        self.fate = lambda _program, _number: Fate()

    def die(self) -> None:
        self.kernel.give_up(self.plugged, "ro")

    def heal(self) -> None:
        """The disk of a simulated host was never ill."""

    @contextmanager
    def claimed(self) -> Iterator[None]:
        number = max(self.kernel.open, default=0) + 1000  # the kernel asks no second opener
        self.kernel.open[number] = Open(self.plugged, exclusive=True)
        try:
            yield
        finally:
            del self.kernel.open[number]

    @contextmanager
    def partitioned(self) -> Iterator[None]:
        self.plugged.partitions = ("sdb1", "sdb2")
        yield

    @property
    def is_large(self) -> bool:
        return self.filesystem_bytes == 2 * GIB

    def now(self) -> float:
        """Return the time, seconds."""
        return self._loop.time()

    def enlarge(self) -> None:
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

    def call(self, message: Message, reply: type[Reply]) -> Reply:
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
