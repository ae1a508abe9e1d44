"""A simulated host: its kernel, the node process on it, kubelet's network; on or off, and what survives that."""

import random
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Protocol

from node.formats.record_json import Entry
from node.host.volume_locks import VolumeLocks
from node.records.state import Intent
from tests.fakes.host.disks import Disk
from tests.fakes.host.kernel import Kernel, Plugged
from tests.fakes.host.programs import Fate
from tests.fakes.host.seams import SimJournal
from tests.faults.sim import drivers
from tests.faults.sim.injector import Injector
from tests.faults.sim.loop import Process, sleep
from tests.faults.sim.rpc import Served
from tests.faults.sim.trace import Trace

RESTART_SECONDS = ((0.5, 5.0), (10.0, 40.0))  # at once, or in a crash loop


class Around(Protocol):
    """What a host asks of the world."""

    trace: Trace
    injector: Injector

    def now(self) -> float: ...
    def begin(self, work: Coroutine[object, object, None]) -> None: ...
    def formatted(self, volume_id: str, disk: Disk) -> None: ...  # mkfs is about to write to it
    def changed(self) -> None: ...  # something that others may wait for


class SimHost:
    """One droplet from the inside."""

    kubelet: Process | None
    serving: Served | None
    turns: VolumeLocks | None

    def __init__(self, around: Around, number: int, seed: int) -> None:
        self.number = number
        self.droplet_id = 100 + number
        self._around = around
        self._chance = random.Random(seed)  # noqa: S311  # replays
        self._formatted: dict[str, Process] = {}  # the node that has formatted a volume here
        self._kept: dict[tuple[type, str], Entry] = {}
        self._boots = 0
        self._booted = ""
        self.on = True
        self.gone = False
        self.online = True
        self.in_use: set[str] = set()  # as the API server has it: volumes that kubelet uses
        self.kubelet = None
        self.serving = None
        self.turns = None
        self.kernel = Kernel("never")
        self.boot()

    @property
    def reachable(self) -> bool:
        """Whether the API server and this host see each other."""
        return self.on and self.online and not self.gone

    def boot(self) -> None:
        """Start the host: a new kernel without mounts, a node that serves."""
        self._boots += 1
        self.kernel = Kernel(f"boot {self._boots} of {self.number}")
        self.on = True
        self.start_node()

    def start_node(self) -> None:
        """Start the node's process."""
        if self.on and not self.gone:
            state = SimJournal(self._kept, same_boot=self._booted == self.kernel.boot)
            self._booted = self.kernel.boot
            self.serving, self.turns = drivers.node(f"node {self.number}", self, self.kernel, state, self.droplet_id)
            self.serving.process.on_death(partial(self._around.trace.died, self.serving.process))
            self._around.changed()

    def kill_node(self) -> None:
        """Kill the node's process with all that it has started; it starts again soon."""
        if self.serving is None:
            return
        self.serving.process.die()
        self.serving = None
        self.kernel.open.clear()
        self._around.begin(self._restart())

    def kill_node_in(self, steps: int) -> None:
        """Let the node's process die after so many steps."""
        if self.serving is not None:
            self._around.trace.count("kills")
            self.serving.process.on_death(self.kill_node)
            self.serving.process.die_in(steps)

    async def _restart(self) -> None:
        boots = self._boots
        await sleep(self.draw(*self._chance.choice(RESTART_SECONDS)))
        if self._boots == boots and self.serving is None:
            self.start_node()

    def power_off(self) -> None:
        """Cut the power: every process ends, mounts and what was not synced are gone."""
        self.on = False
        for process in (self.kubelet, self.serving.process if self.serving is not None else None):
            if process is not None:
                process.die()
        self.serving = self.kubelet = None
        self.kernel = Kernel("off")
        self._around.changed()

    def plug(self, volume_id: str, name: str, disk: Disk, link_seconds: float) -> None:
        """A disk is attached to this host."""
        if not self.on:
            return
        plugged = self.kernel.plug(volume_id, name, disk)
        kernel = self.kernel
        self._around.trace.note(f"host {self.number}", f"{plugged.kernel_name} is {name}")

        async def link() -> None:
            await sleep(link_seconds)
            if kernel.is_alive(plugged):
                kernel.links[name] = plugged.number

        self._around.begin(link())

    def unplug(self, volume_id: str, *, stale_link: bool) -> None:
        """A disk is detached from this host."""
        plugged = self.kernel.unplug(volume_id)
        if plugged is not None and not stale_link:
            self.kernel.links.pop(plugged.name, None)

    def is_mounted(self, volume_id: str) -> list[str]:
        """Return where the disk of a volume is mounted."""
        return [each.line.point for each in self.kernel.mounts if each.plugged.volume_id == volume_id]

    def records(self) -> list[Entry]:
        """Return what the node's journal holds."""
        return list(self._kept.values())

    def draw(self, low: float, high: float) -> float:
        """Draw a number."""
        return self._chance.uniform(low, high)

    def program_fate(self, program: str) -> Fate:
        """Return what happens to the next run of a program."""
        subject = f"{program} on host {self.number}"
        slow = self._around.injector.take(frozenset({"slow program"}), subject, self._around.now())
        killed = self._around.injector.take(frozenset({"program killed"}), subject, self._around.now())
        dies = self._around.injector.take(frozenset({"node killed in program"}), subject, self._around.now())
        return Fate(
            extra_seconds=slow.amount if slow is not None else 0.0,
            killed="" if killed is None else self._chance.choice(("before", "in", "after")),
            node_dies="" if dies is None else self._chance.choice(("before", "after", "after")),
        )

    def ran(self, argv: Sequence[str], status: int) -> None:
        """Take note of a program that has ended."""
        self._around.trace.count("programs")
        self._around.trace.note(f"host {self.number}", f"{' '.join(argv)} -> {status}")

    def is_leak(self, record: Entry) -> bool:
        """Tell whether a record has no reason to be here any more, when nothing is staged or published.

        The note of a begun format stays when the format was interrupted here and the volume then went elsewhere.
        """
        process = self._formatted.get(record.volume_id)
        return not isinstance(record, Intent) or (process is not None and not process.dead)

    def has_formatted(self, plugged: Plugged) -> None:
        """Take note of an mkfs that has ended well."""
        if self.serving is not None:
            self._formatted[plugged.volume_id] = self.serving.process

    def formatted(self, plugged: Plugged) -> None:
        """Take note of an mkfs that is about to write."""
        self._formatted.pop(plugged.volume_id, None)
        self._around.trace.note(f"host {self.number}", f"mkfs on {plugged.kernel_name}, {plugged.name}")
        self._around.formatted(plugged.volume_id, plugged.disk)
