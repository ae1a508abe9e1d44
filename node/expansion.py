"""Grow a volume's file system to the size of its device; of a raw block device, check that it has grown.

kubelet keeps one path a volume, that of the pod mapped last, and sends it for the others, too. So the volume is found
by its id: by what is remembered of it, at its staging path, or wherever it is published.

kubelet gives three kinds of codes a meaning of their own. After FAILED_PRECONDITION it does not call again as long as
the volume is on this node: it is for a file system that cannot be grown in use. After NOT_FOUND, INVALID_ARGUMENT and
OUT_OF_RANGE it never calls again: they are for a volume that is not here, and for a malformed request. Whatever else
goes wrong may go well at the next attempt, so it is UNAVAILABLE.

Sources: CSI 1.13 "NodeExpandVolume"; Kubernetes 1.37, pkg/volume/csi/expander.go (inUseError, isInfeasibleError).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from common import call_log, errors
from node import dead_mounts
from node.codes import Code
from node.encryption.unlocking import is_short
from node.formats import filesystem_argv
from node.host.host import Host
from node.host.volume_locks import VolumeLocks
from node.records.kernel import Facts, Mount
from node.records.requests import Expand, VolumePath
from node.records.state import Published, Staged
from node.rules import encryption, formatting, identity
from node.volume_at import is_recorded, is_volume


@dataclass(frozen=True)
class VolumeInUse:
    """A volume where it is used: through a file system, or raw."""

    number: str  # of the device that is used
    mount: Mount | None  # None: raw


class Expansion:
    """Expands volumes; each has one call at a time."""

    def __init__(self, host: Host, turns: VolumeLocks, *, grows_mounted_ext: bool) -> None:
        self._host = host
        self._turns = turns
        self._grows_mounted_ext = grows_mounted_ext

    async def expand(self, wanted: Expand) -> int:
        """Make the file system as large as its device; return the size of the device, bytes."""
        return await self._turns.take((wanted.place.volume_id,), partial(self._expand, wanted))

    async def _expand(self, wanted: Expand) -> int:
        found = await self._find(wanted.place)
        with _not_final():
            self._check_use(wanted, found)
            used = await self._facts(wanted, found.number)
            disk = await self._facts(wanted, used.disk) if used.mapper else used
            self._check_size(wanted, disk)
            if used.mapper:
                async with self._host.doubting(wanted.place.volume_id, disk):
                    used = await self._grow_mapper(wanted, used, disk)
            mount = await self._to_grow(wanted, found, used)
        call_log.tell(outcome="was_grown" if mount is None else "grown", size_bytes=disk.size_bytes)
        if mount is None:
            return disk.size_bytes
        self._refuse_in_use(wanted, mount)
        with _not_final():
            async with self._host.doubting(wanted.place.volume_id, disk):
                await self._host.filesystems.grow_mounted(mount.kind, mount.source, mount.point)
            await self._note_growth(wanted)
        return disk.size_bytes

    async def _find(self, place: VolumePath) -> VolumeInUse:
        """Find the volume, whichever of its paths is named. Raises NotFound if it is not in use on this node."""
        known = self._host.state.read(Staged, place.volume_id)
        published = [each.target for each in self._host.state.all(Published) if each.volume_id == place.volume_id]
        staged = known.path if known is not None and known.kind else ""
        for path in dict.fromkeys((staged, place.staging_path, place.path, *published)):
            if path and (found := await self._at(place.volume_id, path)) is not None:
                return found
        if known is not None and not known.kind:
            return VolumeInUse(known.number, None)
        raise errors.NotFound(
            f"volume {place.volume_id} is neither staged nor published on this node", error_code=Code.NOT_HERE
        )

    async def _at(self, volume_id: str, path: str) -> VolumeInUse | None:
        """Return what is at a path, unless that is another volume's: by what is remembered, or else by its device."""
        try:
            glance = await self._host.glance(path)
            recorded = is_recorded(self._host, VolumePath(volume_id, glance.path))
        except (errors.InvalidArgument, errors.NotFound):  # not below kubelet's directory; another volume's
            return None
        if not glance.mounted:
            return None
        mount = glance.mounted[-1]
        found = VolumeInUse(glance.block, None) if glance.block else VolumeInUse(mount.number, mount)
        facts = await self._host.facts(found.number)
        return found if recorded or facts is None or is_volume(self._host, volume_id, facts) else None

    def _check_use(self, wanted: Expand, found: VolumeInUse) -> None:
        """Raise FailedPrecondition if the volume is not used as the call says."""
        if wanted.block is not None and wanted.block != (found.mount is None):
            use = "as a raw block device" if found.mount is None else f"with a file system ({found.mount.kind})"
            raise errors.FailedPrecondition(
                f"volume {wanted.place.volume_id} is in use {use} on this node", error_code=Code.USED_OTHERWISE
            )

    async def _facts(self, wanted: Expand, number: str) -> Facts:
        """Return a device, after the kernel has looked at its size again."""
        facts = await self._host.devices.fresh(number)
        if facts is None or identity.is_lost(facts):
            raise errors.FailedPrecondition(
                f"the device of volume {wanted.place.volume_id} is gone",
                remedy="attach it again",
                error_code=Code.DEVICE_CHANGED,
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
                error_code=Code.GROWTH_NOT_SEEN,
            )
        if 0 < wanted.limit_bytes < facts.size_bytes:
            raise errors.OutOfRange(
                f"the device of volume {volume_id} has {facts.size_bytes} bytes, more than {wanted.limit_bytes}",
                error_code=Code.GROWTH_LIMIT,
            )

    async def _grow_mapper(self, wanted: Expand, used: Facts, disk: Facts) -> Facts:
        """Make the mapper as large as its disk; return what is known of it then."""
        volume_id = wanted.place.volume_id
        header = await self._host.devices.header(disk.number)
        if header is None:
            raise errors.FailedPrecondition(
                f"the LUKS header of volume {volume_id} is damaged, while the volume is in use",
                remedy="copy its data to another volume now: it does not open again without a backup of the header",
                error_code=Code.HEADER_DAMAGED,
            )
        if not is_short(used.size_bytes, disk, header):
            return used
        if not wanted.keys.passphrase:
            raise errors.InvalidArgument(
                f"volume {volume_id} is encrypted, and the call has no secret encryption-passphrase",
                remedy="name the Secret in the class: csi.storage.k8s.io/node-expand-secret-name and -namespace; "
                "a PersistentVolume that is there already grows when its volume is staged again",
                error_code=Code.NO_PASSPHRASE,
            )
        encryption.check_header(volume_id, header, None, disk.size_bytes)
        await self._host.luks.resize(volume_id, wanted.keys.passphrase)
        return await self._facts(wanted, used.number)

    async def _to_grow(self, wanted: Expand, found: VolumeInUse, facts: Facts) -> Mount | None:
        """Return the mount through which the file system is to grow; None if there is nothing to grow.

        What is mounted to be read is not grown: it grows when it is staged for writing.
        """
        mount = found.mount
        if mount is None:
            return None
        known = self._host.state.read(Staged, wanted.place.volume_id)
        if reason := await dead_mounts.death(self._host, mount, facts, known):
            raise errors.FailedPrecondition(
                f"the file system of volume {wanted.place.volume_id} is dead: {reason}",
                remedy="delete the pods that use it: when none does, it is checked and mounted again, and grown",
                error_code=Code.FILE_SYSTEM_DEAD,
            )
        if "ro" in mount.super_options or facts.read_only:
            return None
        block = await self._host.devices.superblock(facts.number) if mount.kind in filesystem_argv.EXT else None
        return None if block is not None and not formatting.is_short(block, facts) else mount

    def _refuse_in_use(self, wanted: Expand, mount: Mount) -> None:
        """The one FAILED_PRECONDITION: it cannot be grown in use."""
        if mount.kind in filesystem_argv.EXT and not self._grows_mounted_ext:
            raise errors.FailedPrecondition(
                f"this node may not grow the mounted {mount.kind} of volume {wanted.place.volume_id}",
                remedy="give the driver's container CAP_SYS_RESOURCE, or delete its pods: it grows when it is staged",
                error_code=Code.GROWTH_FORBIDDEN,
            )

    async def _note_growth(self, wanted: Expand) -> None:
        known = self._host.state.read(Staged, wanted.place.volume_id)
        if known is not None and known.to_grow:
            await self._host.remember(replace(known, to_grow=False))


@contextmanager
def _not_final() -> Iterator[None]:
    """Let what goes wrong be repeated: kubelet gives the final codes other meanings."""
    try:
        yield
    except errors.Refused as refused:
        raise errors.unavailable(refused) from refused
