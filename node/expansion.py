"""Grow a volume's file system to the size of its device; of a raw block device, check that it has grown.

Source: CSI 1.13 "NodeExpandVolume".
"""

from functools import partial

from common import errors
from node.encryption.unlocking import is_short
from node.formats import filesystem_argv
from node.host.host import Host
from node.host.volume_locks import VolumeLocks
from node.records.kernel import Facts, Mount
from node.records.requests import Expand
from node.records.state import Staged
from node.rules import encryption, formatting, identity
from node.stats import find


class Expansion:
    """Expands volumes; each has one call at a time."""

    def __init__(self, host: Host, turns: VolumeLocks, *, grows_mounted_ext: bool) -> None:
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
        used = await self._facts(wanted, glance.block or mount.number)
        disk = await self._facts(wanted, used.disk) if used.mapper else used
        self._check_size(wanted, disk)
        async with self._host.doubting(wanted.place.volume_id, disk):
            if used.mapper:
                used = await self._grow_mapper(wanted, used, disk)
            if not glance.block:
                await self._grow(wanted, mount, used)
        return disk.size_bytes

    async def _facts(self, wanted: Expand, number: str) -> Facts:
        """Return a device, after the kernel has looked at its size again."""
        facts = await self._host.devices.fresh(number)
        if facts is None or identity.is_lost(facts):
            raise errors.FailedPrecondition(
                f"the device of volume {wanted.place.volume_id} is gone", remedy="attach it again"
            )
        return facts

    def _check_size(self, wanted: Expand, facts: Facts) -> None:
        """Raise an error if the disk is not the volume's, or not of a size that is wanted."""
        volume_id = wanted.place.volume_id
        known = self._host.state.read(Staged, volume_id)
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

    async def _grow_mapper(self, wanted: Expand, used: Facts, disk: Facts) -> Facts:
        """Make the mapper as large as its disk; return what is known of it then."""
        volume_id = wanted.place.volume_id
        header = await self._host.devices.header(disk.number)
        if header is None:
            raise errors.FailedPrecondition(
                f"the LUKS header of volume {volume_id} is damaged, while the volume is in use",
                remedy="copy its data to another volume now: it does not open again without a backup of the header",
            )
        if not is_short(used.size_bytes, disk, header):
            return used
        if not wanted.keys.passphrase:
            raise errors.InvalidArgument(
                f"volume {volume_id} is encrypted, and the call has no secret encryption-passphrase",
                remedy="name the Secret in the class: csi.storage.k8s.io/node-expand-secret-name and -namespace",
            )
        encryption.check_header(volume_id, header, None, disk.size_bytes)
        await self._host.luks.resize(volume_id, wanted.keys.passphrase)
        return await self._facts(wanted, used.number)

    async def _grow(self, wanted: Expand, mount: Mount, facts: Facts) -> None:
        if "ro" in mount.super_options:
            raise errors.FailedPrecondition(
                f"the file system of volume {wanted.place.volume_id} is read-only",
                remedy="look at the volume's health: the kernel makes a file system read-only after an error",
            )
        if mount.kind in filesystem_argv.EXT:
            block = await self._host.devices.superblock(facts.number)
            if block is not None and not formatting.is_short(block, facts):
                return
            if not self._grows_mounted_ext:
                raise errors.FailedPrecondition(
                    f"this node may not grow the mounted {mount.kind} of volume {wanted.place.volume_id}",
                    remedy="give the driver's container CAP_SYS_RESOURCE, or stage the volume anew: it grows then",
                )
        await self._host.filesystems.grow_mounted(mount.kind, mount.source, mount.point)
