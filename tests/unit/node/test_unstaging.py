"""Unstage on a simulated host: what is remembered of a staging is not taken for another volume's disk."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from csi_proto.csi import v1 as csi
from node.formats.record_json import Entry
from node.records.state import Staged
from tests.fakes.host.disks import GIB, Disk, Filesystem
from tests.fakes.host.kernel import Kernel, Plugged
from tests.fakes.host.programs import Fate
from tests.fakes.host.seams import SimJournal
from tests.faults.sim import drivers
from tests.faults.sim.loop import Loop
from tests.faults.sim.rpc import Failed

OURS, THEIRS = "/staging/ours", "/staging/theirs"


@dataclass
class Machine:
    """A host on which nothing goes wrong."""

    kernel: Kernel
    ran_programs: list[str] = field(default_factory=list)

    def draw(self, low: float, high: float) -> float:
        return (low + high) / 2

    def program_fate(self, program: str) -> Fate:
        assert program
        return Fate()

    def kill_node(self) -> None:
        raise AssertionError("nobody asked for that")

    def ran(self, argv: Sequence[str], status: int) -> None:
        self.ran_programs.append(f"{argv[0]} {status}")

    def formatted(self, plugged: Plugged) -> None:
        raise AssertionError(f"{plugged.name} is formatted")

    def has_formatted(self, plugged: Plugged) -> None:
        raise AssertionError(f"{plugged.name} was formatted")


async def unstage(kernel: Kernel, kept: dict[tuple[type, str], Entry]) -> None:
    """Unstage our volume with a node that has just started. Raises Failed."""
    served, _ = drivers.node("node", Machine(kernel), kernel, SimJournal(kept, same_boot=True), 101)
    request = csi.NodeUnstageVolumeRequest(volume_id="ours", staging_target_path=OURS)
    await served.call(request, csi.NodeUnstageVolumeResponse, 60.0)


def staged(number: str) -> dict[tuple[type, str], Entry]:
    return {(Staged, "ours"): Staged("ours", "pvc-ours", OURS, number, "ext4")}


def mounted(name: str, point: str) -> tuple[Kernel, Plugged]:
    """A host with the disk of a volume, mounted."""
    kernel = Kernel("boot")
    disk = Disk(GIB, Filesystem("ext4", GIB, "uuid"))
    plugged = kernel.plug(name.removeprefix("pvc-"), name, disk)
    kernel.folders.add(point)
    assert kernel.mount(plugged, "ext4", frozenset(), point) == ""
    return kernel, plugged


def test_a_volume_is_unstaged_though_its_device_number_is_another_mounted_volumes_by_now() -> None:
    kernel, plugged = mounted("pvc-theirs", THEIRS)
    kept = staged(plugged.number)
    loop = Loop()
    try:
        loop.run_until_complete(unstage(kernel, kept))
    finally:
        loop.close()
    assert not kept
    assert [each.line.point for each in kernel.mounts] == [THEIRS]


def test_a_volume_whose_own_device_is_mounted_elsewhere_too_is_not_unstaged() -> None:
    kernel, plugged = mounted("pvc-ours", "/elsewhere")
    kept = staged(plugged.number)
    loop = Loop()
    try:
        with pytest.raises(Failed, match="/elsewhere"):
            loop.run_until_complete(unstage(kernel, kept))
    finally:
        loop.close()
    assert kept
