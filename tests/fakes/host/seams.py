"""The node's own classes with the kernel taken out: what blocks runs on the simulated kernel, everything else is real.

``SimThreads`` is the one seam: it knows each blocking function of the node, and does in memory what that does. A
function that it does not know ends the run, so that nothing of the node touches the machine unnoticed.
"""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import TypeVar, cast

from common import deadlines, errors
from common.clouds import DISKS
from node import block_use
from node.formats.record_json import Entry, Record
from node.host import filesystems, mount_calls, mounts, paths, probe, processes
from node.host import host as host_module
from node.host.devices import LOOK_SECONDS, Device, Devices
from node.host.host import Glance, Host
from node.host.host_disks import HostDisks
from node.host.leftover_programs import LeftoverPrograms
from node.host.state import StateFolder
from node.host.sysfs import Sysfs
from node.host.threads import Threads
from node.records.kernel import Facts
from node.records.probes import MultipleMount, ScanResult, Superblock
from node.records.requests import VolumeSpec
from node.records.state import Intent
from node.rules import identity
from tests.fakes.host.kernel import Kernel
from tests.faults.sim.loop import sleep

Result = TypeVar("Result")


class SimSysfs(Sysfs):
    """What /sys tells."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(Path("/nowhere"), Path("/nowhere"))
        self._kernel = kernel

    def facts(self, number: str) -> Facts | None:
        return self._kernel.facts(number)

    def disks(self) -> "list[Facts]":  # type: ignore[override]  # an iterable is all that is asked for
        return [facts for number in list(self._kernel.disks) if (facts := self._kernel.facts(number)) is not None]

    def rescan(self, kernel_name: str) -> None:
        for plugged in self._kernel.disks.values():
            if plugged.kernel_name == kernel_name:
                plugged.seen_bytes = plugged.disk.size_bytes

    def boot(self) -> str:
        return self._kernel.boot

    def has_capability(self, number: int) -> bool:
        return bool(number)

    def btrfs_devices(self, uuid: str) -> tuple[str, ...]:
        return () if uuid else ("",)


class SimThreads(Threads):
    """Runs what blocks on the simulated kernel, after a moment."""

    def __init__(self, kernel: Kernel, draw: Callable[[float, float], float]) -> None:
        super().__init__(48)
        self._kernel = kernel
        self._draw = draw
        self._known: dict[object, Callable[..., object]] = {  # type: ignore[explicit-any]  # each has its own arguments
            host_module._glance: self.glance,
            host_module._resolve: lambda path, _: path,
            host_module._table_at: lambda path, _, __: (path, kernel.table()),
            host_module._shows: self._shows,
            host_module._mapper: lambda *_: None,  # no volume is encrypted here
            paths.make_folder: kernel.folders.add,
            paths.make_file: kernel.files.add,
            paths.is_folder: lambda path: path in kernel.folders,
            paths.remove: self._remove,
            mounts.read_table: kernel.table,
            mount_calls.bind: lambda *_: False,  # an older kernel: each mount is a program's, and can be killed
            mount_calls.take_away: lambda *_: False,
            mounts.refusal: lambda path: "" if self._is_well(path) else "Input/output error",
            block_use._users: lambda *_: (),
            processes.users_of_mount: lambda _path: (),
            os.close: lambda number: kernel.open.pop(number, None),
            filesystems._exists: lambda _: False,  # a program here writes all or nothing
            filesystems._make_room: lambda _: None,
            filesystems._forget: lambda _: None,
            probe._claim: self._claim,
            probe.read_head: lambda device: (self._superblock(device), None),
            probe.read_mmp: self._mmp,
            probe.scan: self._scan,
        }

    async def call(self, work: Callable[[], Result], seconds: float, what: str) -> Result:
        """Do it; time passes before and after."""
        assert seconds > 0, what
        await sleep(self._draw(0.0001, 0.003))
        result = self.do(work)
        await sleep(self._draw(0.0001, 0.003))
        return result

    async def in_turn(self, key: str, work: Callable[[], Result], seconds: float, what: str) -> Result:
        """Do it: nothing hangs here."""
        assert key, what
        return await self.call(work, seconds, what)

    def do(self, work: Callable[[], Result]) -> Result:
        """Do at once what a blocking function does."""
        function: object = work.func if isinstance(work, partial) else work
        if function in self._known:
            arguments = work.args if isinstance(work, partial) else ()
            return cast("Result", self._known[function](*arguments))
        mine = isinstance(function, MethodType) and isinstance(function.__self__, SimSysfs | SimDevices)
        rescan = isinstance(function, FunctionType) and function.__qualname__ == "Devices.fresh.<locals>.look"
        assert mine or rescan, f"the simulated host does not know {function}"
        return work()

    def glance(self, path: str, kubelet_dir: Path, orphans: LeftoverPrograms) -> Glance:
        """Look at a path."""
        paths.check_inside(path, kubelet_dir)
        orphans.check(path)
        seen = self._kernel.top(path)
        block = ""
        if seen is not None and seen.line.root != "/" and self._kernel.is_alive(seen.plugged):
            block = seen.plugged.number
        mounted = self._kernel.table().at(path)
        return Glance(path, mounted, block, None if mounted else self._kernel.table().covering(path))

    def _shows(self, path: str, number: str) -> bool:
        seen = self._kernel.top(path)
        return seen is not None and (seen.line.number == number or seen.line.root == f"/{seen.plugged.kernel_name}")

    def _is_well(self, path: str) -> bool:
        seen = self._kernel.top(path)
        return seen is None or self._kernel.is_alive(seen.plugged)

    def _remove(self, path: str) -> None:
        if self._kernel.table().at(path):
            raise errors.FailedPrecondition(f"cannot remove {path}: Device or resource busy")
        self._kernel.folders.discard(path)
        self._kernel.files.discard(path)

    def _claim(self, device: Device) -> int | None:
        return self._kernel.descriptor(self._kernel.open[device.descriptor].plugged, exclusive=True)

    def _superblock(self, device: Device) -> Superblock | None:
        plugged = self._kernel.open[device.descriptor].plugged
        if not self._kernel.is_alive(plugged):
            raise errors.FailedPrecondition(f"device {device.path} cannot be read at byte 0: Input/output error")
        found = plugged.disk.filesystem
        if found is None:
            return None
        at = 0 if found.mmp else None
        return Superblock(found.kind, found.size_bytes, found.uuid, marked=found.marked, mmp_at=at)

    def _mmp(self, device: Device, at: int) -> MultipleMount | None:
        found = self._kernel.open[device.descriptor].plugged.disk.filesystem
        assert found is not None, at
        return found.mmp.pop(0) if len(found.mmp) > 1 else found.mmp[0]

    def _scan(self, device: Device) -> ScanResult:
        plugged = self._kernel.open[device.descriptor].plugged
        if plugged.unreadable or not self._kernel.is_alive(plugged):
            return ScanResult(0, failed_at=0, reason="Input/output error")
        return ScanResult(1 << 20, first_data=plugged.disk.first_data)


class SimDevices(Devices):
    """Finds devices on the simulated kernel; what proves them is real."""

    def __init__(self, kernel: Kernel, sysfs: SimSysfs, threads: SimThreads) -> None:
        super().__init__(Path("/dev/disk/by-id"), sysfs, threads, wait_seconds=30.0, host_disks=HostDisks(sysfs, ()))
        self._kernel = kernel

    async def superblock(self, number: str) -> Superblock | None:
        plugged = self._kernel.disks.get(number)
        if plugged is None or plugged.disk.filesystem is None:
            return None
        return Superblock(plugged.disk.filesystem.kind, plugged.disk.filesystem.size_bytes, "")

    async def _wait(self, volume: VolumeSpec) -> Device | None:
        clock = asyncio.get_running_loop().time
        last = clock() + min(self._wait_seconds, max(0.0, deadlines.remaining() - LOOK_SECONDS))
        while True:
            late = clock() >= last
            try:
                if (device := await self._look(volume)) is not None or late:
                    return device
            except errors.FailedPrecondition:
                if late:
                    raise
            await sleep(min(LOOK_SECONDS, max(0.001, last - clock())))

    def _open_path(self, path: Path, volume: VolumeSpec) -> Device | None:
        number = self._kernel.links.get(path.name.removeprefix(DISKS[0].link_prefix), "")
        named = {each.kernel_name: each.number for each in self._kernel.disks.values()}
        plugged = self._kernel.disks.get(number or named.get(path.name, ""))
        if plugged is None:
            return None
        facts = self._sysfs.facts(plugged.number)
        assert facts is not None
        identity.prove(volume, facts, frozenset({"253:1"}))
        descriptor = self._kernel.descriptor(plugged)
        assert descriptor is not None
        device = Device(f"/dev/{plugged.kernel_name}", descriptor, facts)
        try:
            if facts.size_bytes < volume.min_bytes:
                device = self._rescan(device)
            identity.check_size(volume, device.facts)
        except BaseException:
            del self._kernel.open[descriptor]
            raise
        return device

    def _is_free(self, number: str) -> bool:
        plugged = self._kernel.disks.get(number)
        return plugged is None or not self._kernel.is_busy(plugged)


class SimJournal(StateFolder):
    """The journal's files: ``kept`` outlives the process, and the host."""

    def __init__(self, kept: dict[tuple[type, str], Entry], *, same_boot: bool) -> None:
        super().__init__(Path("/nowhere"))
        self._kept = kept
        for key in [key for key in kept if not same_boot and key[0] is not Intent]:
            del kept[key]
        self._known = dict(kept)

    def write(self, record: Entry, *, sync: bool = False) -> None:
        key = (type(record), getattr(record, "target", "") or record.volume_id)
        self._kept[key] = self._known[key] = record
        assert sync in {True, False}

    def remove(self, kind: type[Record], key: str) -> None:
        self._kept.pop((kind, key), None)
        self._known.pop((kind, key), None)


class SimHost(Host):
    """The host's parts; what it does before a record is written happens in memory, too."""

    async def remember(self, record: Entry, *, sync: bool = False, before: Callable[[], None] = lambda: None) -> None:
        await self._pause()
        if isinstance(before, partial):
            cast("SimThreads", self.threads).do(before)
        self.state.write(record, sync=sync)
        await self._pause()

    async def forget(self, kind: type[Record], key: str, *, before: Callable[[], None] = lambda: None) -> None:
        await self._pause()
        if isinstance(before, partial):
            cast("SimThreads", self.threads).do(before)
        self.state.remove(kind, key)
        await self._pause()

    async def _pause(self) -> None:
        await self.threads.call(mounts.read_table, 1.0, "the journal")
