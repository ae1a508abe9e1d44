"""Grow a volume's file system to the size of its device; of a raw block device, check that it has grown.

Source: CSI 1.13 "NodeExpandVolume".
"""

from functools import partial

from common import errors
from node.host import paths
from node.host.devices import OPEN_SECONDS
from node.host.host import Host
from node.host.turns import Turns
from node.records import Expand, Facts, Mount, Staged
from node.rules import identity, programs
from node.stats import find


class Expansion:
    """Expands volumes; each has one call at a time."""

    def __init__(self, host: Host, turns: Turns, *, grows_mounted_ext: bool) -> None:
        self._host = host
        self._turns = turns
        self._grows_mounted_ext = grows_mounted_ext

    async def expand(self, wanted: Expand) -> int:
        """Make the file system as large as its device; return the size of the device, bytes."""
        return await self._turns.take((wanted.place.volume_id, wanted.place.path), partial(self._expand, wanted))

    async def _expand(self, wanted: Expand) -> int:
        path, mount = await find(self._host, wanted.place)
        number = await self._host.threads.call(partial(paths.block_number, path), OPEN_SECONDS, path)
        if wanted.block is not None and wanted.block != bool(number):
            found = "a raw block device" if number else f"a file system ({mount.kind})"
            raise errors.FailedPrecondition(f"volume {wanted.place.volume_id} is published as {found} at {path}")
        facts = await self._sized(wanted, number or mount.number)
        if not number:
            await self._grow(wanted, mount, path)
        return facts.size_bytes

    async def _sized(self, wanted: Expand, number: str) -> Facts:
        """Return the device, after the kernel has looked at its size again."""
        volume_id = wanted.place.volume_id
        facts = await self._host.devices.fresh(number)
        if facts is None:
            raise errors.FailedPrecondition(f"the device of volume {volume_id} is gone", remedy="attach it again")
        known = await self._host.recall(Staged, volume_id)
        identity.prove_again(volume_id, known.volume_name if known is not None else "", facts)
        if facts.size_bytes < wanted.required_bytes:
            raise errors.Unavailable(
                f"the device of volume {volume_id} has {facts.size_bytes} bytes, not yet {wanted.required_bytes}",
                remedy="the cloud may not have resized it yet; the next attempt looks again",
            )
        if 0 < wanted.limit_bytes < facts.size_bytes:
            raise errors.OutOfRange(
                f"the device of volume {volume_id} has {facts.size_bytes} bytes, more than {wanted.limit_bytes}"
            )
        return facts

    async def _grow(self, wanted: Expand, mount: Mount, path: str) -> None:
        if "ro" in mount.super_options:
            raise errors.FailedPrecondition(
                f"the file system of volume {wanted.place.volume_id} is read-only",
                remedy="look at the volume's health: the kernel makes a file system read-only after an error",
            )
        if mount.kind in programs.EXT and not self._grows_mounted_ext:
            raise errors.FailedPrecondition(
                f"this node may not grow the mounted {mount.kind} of volume {wanted.place.volume_id}",
                remedy="give the driver's container CAP_SYS_RESOURCE, or stage the volume anew: it grows then",
            )
        await self._host.filesystems.grow_mounted(mount.kind, mount.source, path)
