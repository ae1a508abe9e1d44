"""What a node that is told to stop waits for, on a simulated host."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from node.drain_wait import DrainWait
from node.host.pod_facts import DRAINING
from node.records.state import Staged
from tests.fakes.host.disks import GIB, Disk
from tests.fakes.host.kernel import Kernel
from tests.fakes.host.seams import SimJournal
from tests.faults.sim import drivers
from tests.faults.sim.loop import Loop
from tests.unit.node.test_unstaging import Machine


class Drained:
    """A host with one staged volume, whose node service is told to stop."""

    def __init__(self, folder: Path) -> None:
        self.kernel, self.folder = Kernel("boot"), folder
        self.number = self.kernel.plug("ours", "pvc-ours", Disk(GIB)).number
        record = Staged("ours", "pvc-ours", "/staging/ours", self.number, "ext4")
        self.journal = SimJournal({(Staged, "ours"): record}, same_boot=True)
        self.loop = Loop()

    def unstage(self) -> None:
        self.journal.remove(Staged, "ours")

    def detach(self) -> None:
        self.kernel.unplug("ours")

    def waited(self, seconds: float, steps: Mapping[float, Callable[[], None]]) -> float:
        """Return for how long the service waits while this happens, virtual seconds."""
        host = drivers.host_of(Machine(self.kernel), self.kernel, self.journal)
        begun = self.loop.time()
        for when, step in steps.items():
            self.loop.call_later(when, step)
        self.loop.run_until_complete(DrainWait(host, self.folder, seconds).wait())
        return self.loop.time() - begun


@pytest.fixture
def drained(tmp_path: Path) -> Iterator[Drained]:
    (tmp_path / DRAINING).write_text("cordoned\n")
    made = Drained(tmp_path)
    yield made
    made.loop.close()


def test_it_waits_until_the_disk_has_gone_too(drained: Drained) -> None:
    assert 10 <= drained.waited(60, {3: drained.unstage, 10: drained.detach}) < 11


def test_a_disk_of_another_volume_under_the_same_number_is_not_waited_for(drained: Drained) -> None:
    def replace() -> None:
        drained.detach()
        assert drained.kernel.plug("other", "pvc-other", Disk(GIB)).number == drained.number

    assert drained.waited(60, {3: drained.unstage, 5: replace}) < 6


def test_a_volume_that_does_not_leave_is_waited_for_so_long_and_no_longer(drained: Drained) -> None:
    assert 60 <= drained.waited(60, {3: drained.unstage}) < 61


@pytest.mark.parametrize("why", ["nobody drains", "no warden", "off"])
def test_a_rollout_does_not_wait(drained: Drained, why: str) -> None:
    if why == "nobody drains":
        (drained.folder / DRAINING).write_text("")
    elif why == "no warden":
        (drained.folder / DRAINING).unlink()
    assert drained.waited(0 if why == "off" else 60, {}) == 0


def test_a_node_without_volumes_does_not_wait(drained: Drained) -> None:
    drained.unstage()
    assert drained.waited(60, {}) == 0
