"""Grow a volume's file system to the size of its device; of a raw block device, check that it has grown.

Source: CSI 1.13 "NodeExpandVolume".
"""

from functools import partial

from common import errors
from node.host.host import Host
from node.host.turns import Turns
from node.records import Expand, Facts, Mount, Staged
from node.rules import formatting, identity, programs
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
        glance = await find(self._host, wanted.place)
        mount = glance.mounted[-1]
        if wanted.block is not None and wanted.block != bool(glance.block):
            found = "a raw block device" if glance.block else f"a file system ({mount.kind})"
            raise errors.FailedPrecondition(f"volume {wanted.place.volume_id} is published as {found} at {glance.path}")
        facts = await self._sized(wanted, glance.block or mount.number)
        if not glance.block:
            await self._grow(wanted, mount, facts)
        return facts.size_bytes

    async def _sized(self, wanted: Expand, number: str) -> Facts:
        """Return the device, after the kernel has looked at its size again."""
        volume_id = wanted.place.volume_id
        facts = await self._host.devices.fresh(number)
        if facts is None:
            raise errors.FailedPrecondition(f"the device of volume {volume_id} is gone", remedy="attach it again")
        known = self._host.journal.read(Staged, volume_id)
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

    async def _grow(self, wanted: Expand, mount: Mount, facts: Facts) -> None:
        if "ro" in mount.super_options:
            raise errors.FailedPrecondition(
                f"the file system of volume {wanted.place.volume_id} is read-only",
                remedy="look at the volume's health: the kernel makes a file system read-only after an error",
            )
        if mount.kind in programs.EXT:
            block = await self._host.devices.superblock(facts.number)
            if block is not None and block.size_bytes + formatting.SLACK_BYTES > facts.size_bytes:
                return
            if not self._grows_mounted_ext:
                raise errors.FailedPrecondition(
                    f"this node may not grow the mounted {mount.kind} of volume {wanted.place.volume_id}",
                    remedy="give the driver's container CAP_SYS_RESOURCE, or stage the volume anew: it grows then",
                )
        await self._host.filesystems.grow_mounted(mount.kind, mount.source, mount.point)
