"""The volumes of one guest: attached, detached and grown as the cloud does it, and what can go wrong with them.

A volume is a file (or what a server of its own makes of one), above it a filter that can hold it back, above that a
SCSI disk whose page 0x83 holds the volume's name, so that udev makes the link that a droplet has.

Source: QEMU "QMP Reference Manual" (blockdev-add, blockdev-reopen, device_add, block_resize, ThrottleLimits, blkdebug).
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from localcloud.guests.errors import GuestError
from localcloud.guests.monitor import Monitor

DETACH_SECONDS = 60.0
HELD_BYTES_PER_SECOND = 1  # of a disk that hangs: nothing comes through while anybody waits
SERIAL_CHARACTERS = 36  # what page 0x80 has room for
EIO = 5
_PARTS = ("file", "errors", "filter", "group", "disk")
_OURS = re.compile(rf"(?:{'|'.join(_PARTS)})-([0-9a-f]{{20}})")


@dataclass(frozen=True)
class Drive:
    """A volume: its name, and the file or the NBD server (a Unix socket) that has its data."""

    name: str
    file: Path
    served: bool = False


@dataclass(frozen=True)
class _Ids:
    """The names of a volume's parts in QEMU, which takes 31 characters at most."""

    file: str
    errors: str
    filter: str
    group: str
    device: str

    @classmethod
    def of(cls, name: str) -> "_Ids":
        return cls.by(hashlib.sha256(name.encode()).hexdigest()[:20])

    @classmethod
    def by(cls, key: str) -> "_Ids":
        return cls(*(f"{part}-{key}" for part in _PARTS))


class Drives:
    """The volumes of one guest. Every call may be repeated. Raises GuestError."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    async def attach(self, drive: Drive) -> None:
        """Let the guest see it. QEMU refuses a file that another guest has."""
        ids = _Ids.of(drive.name)
        nodes, devices = await self._nodes(), await self._children("/machine/peripheral")
        if ids.device in devices:
            return
        if ids.group not in await self._children("/objects"):
            await self._monitor.send("object-add", {"qom-type": "throttle-group", "id": ids.group})
        if ids.file not in nodes:
            await self._monitor.send("blockdev-add", {"node-name": ids.file, **_source(drive)})
        if ids.filter not in nodes:
            await self._monitor.send("blockdev-add", _filter(ids, ids.file))
        disk = {"driver": "scsi-hd", "id": ids.device, "bus": "scsi0.0", "drive": ids.filter}
        names = {"vendor": "DO", "product": "Volume", "device_id": drive.name, "serial": drive.name[:SERIAL_CHARACTERS]}
        await self._monitor.send("device_add", {**disk, **names, "werror": "report", "rerror": "report"})

    async def detach(self, name: str) -> None:
        """Take it away, also while it is in use: the guest is not asked."""
        await self._detach(_Ids.of(name))

    async def keep_only(self, names: Collection[str]) -> None:
        """Take away all other volumes, and what is left of them when an attach or a detach was cut short."""
        wanted = {_Ids.of(name) for name in names}
        there = await self._nodes() | await self._children("/machine/peripheral") | await self._children("/objects")
        for key in sorted({found[1] for each in there if (found := _OURS.fullmatch(each))}):
            if (ids := _Ids.by(key)) not in wanted:
                await self._detach(ids)

    async def _detach(self, ids: "_Ids") -> None:
        await self._hold(ids, bytes_per_second=0)
        if ids.device in await self._children("/machine/peripheral"):
            async with self._monitor.expect("DEVICE_DELETED", DETACH_SECONDS, device=ids.device):
                await self._monitor.send("device_del", {"id": ids.device})
        nodes = await self._nodes()
        for node in (ids.filter, ids.errors, ids.file):
            if node in nodes:
                await self._monitor.send("blockdev-del", {"node-name": node})
        if ids.group in await self._children("/objects"):
            await self._monitor.send("object-del", {"id": ids.group})

    async def resize(self, name: str, size_bytes: int) -> None:
        """Grow it, file and all."""
        await self._monitor.send("block_resize", {"node-name": _Ids.of(name).filter, "size": size_bytes})

    async def hold(self, name: str, bytes_per_second: int, *, reads: bool = True) -> None:
        """Hold its writes, and its reads unless told otherwise, to that pace; 0 lets it be as fast as it can."""
        await self._hold(_Ids.of(name), bytes_per_second, reads=reads)

    async def _hold(self, ids: "_Ids", bytes_per_second: int, *, reads: bool = True) -> None:
        if ids.group in await self._children("/objects"):
            limits = {"bps-total" if reads else "bps-write": bytes_per_second}
            where = {"path": f"/objects/{ids.group}", "property": "limits"}
            await self._monitor.send("qom-set", {**where, "value": limits})
            nodes = await self._nodes()
            if ids.filter in nodes:  # what waits already looks at the new pace only when the filter is opened anew
                below = ids.errors if ids.errors in nodes else ids.file
                await self._monitor.send("blockdev-reopen", {"options": [_filter(ids, below)]})

    async def hang(self, *names: str) -> None:
        """Let no read and no write through: they wait, without an error, until ``hold`` with 0 lets them go.

        Flushes come through; a volume that is ``served`` can hang altogether. Name all volumes that hang at once: what
        others hold back comes through while this begins.
        """
        await self._monitor.execute("stop")  # what is under way ends, so that the first to meet the limit are we
        try:
            for name in names:
                await self.hold(name, HELD_BYTES_PER_SECOND)
                line = f'qemu-io {_Ids.of(name).filter} "read 0 64k"'  # the bucket overflows for 18 hours
                await self._monitor.send("human-monitor-command", {"command-line": line})
        finally:
            await self._monitor.execute("cont")

    async def fail(self, name: str, *kinds: str) -> None:
        """Answer these kinds of requests with EIO (``read``, ``write``, ``flush``, ``discard``); none: heal it."""
        ids = _Ids.of(name)
        nodes = await self._nodes()
        if ids.errors in nodes:
            await self._monitor.send("blockdev-reopen", {"options": [_filter(ids, ids.file)]})
            await self._monitor.send("blockdev-del", {"node-name": ids.errors})
        if kinds:
            errors = [{"event": "none", "iotype": kind, "errno": EIO} for kind in kinds]
            node = {"driver": "blkdebug", "node-name": ids.errors, "image": ids.file, "inject-error": errors}
            await self._monitor.send("blockdev-add", node)
            await self._monitor.send("blockdev-reopen", {"options": [_filter(ids, ids.errors)]})

    async def names(self) -> frozenset[str]:
        """Return the names of the volumes that the guest sees, as QEMU's disks tell them."""
        devices = [name for name in await self._children("/machine/peripheral") if name.startswith("disk-")]
        told = [
            await self._monitor.send("qom-get", {"path": f"/machine/peripheral/{device}", "property": "device_id"})
            for device in devices
        ]
        return frozenset(map(str, told))

    async def _nodes(self) -> frozenset[str]:
        return _values(await self._monitor.send("query-named-block-nodes", {"flat": True}), "node-name")

    async def _children(self, path: str) -> frozenset[str]:
        return _values(await self._monitor.send("qom-list", {"path": path}), "name")


def _source(drive: Drive) -> dict[str, object]:
    if drive.served:
        return {"driver": "nbd", "server": {"type": "unix", "path": str(drive.file)}, "discard": "unmap"}
    return {"driver": "file", "filename": str(drive.file), "discard": "unmap"}


def _filter(ids: _Ids, below: str) -> dict[str, object]:
    return {
        "driver": "throttle",
        "node-name": ids.filter,
        "throttle-group": ids.group,
        "file": below,
        "discard": "unmap",
    }


def _values(listed: object, key: str) -> frozenset[str]:
    """Return one value of each object of a list."""
    if not isinstance(listed, list):
        raise GuestError(f"not a list: {listed}")
    return frozenset(str(each[key]) for each in listed if key in each)
