"""Stage a volume: find and prove its device, format it if it is blank beyond doubt, check, mount, grow.

Source: CSI 1.13 "NodeStageVolume".
"""

from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import structlog

from common import call_log, errors
from node import block_use, dead_mounts, multiple_mount
from node.codes import Code
from node.encryption.unlocking import Opened, Unlocking
from node.formats import filesystem_argv
from node.host import paths
from node.host.devices import Device
from node.host.host import Glance, Host
from node.host.threads import SECONDS
from node.host.volume_locks import VolumeLocks
from node.records.probes import Probe
from node.records.requests import Filesystem, Stage, VolumeSpec
from node.records.state import Staged
from node.rules import formatting, identity, mounting

log = structlog.get_logger()


class Staging:
    """Stages volumes; each volume and each path has one call at a time."""

    def __init__(self, host: Host, turns: VolumeLocks, unlocking: Unlocking, *, grows_mounted_ext: bool) -> None:
        self._host = host
        self._turns = turns
        self._unlocking = unlocking
        self._grows_mounted_ext = grows_mounted_ext

    async def stage(self, wanted: Stage) -> None:
        """Make it so that the volume is mounted at the staging path, or proven for use as a raw block device."""
        await self._turns.take((wanted.volume.id, wanted.path), partial(self._stage, wanted))

    async def malformed(self, path: str, refused: errors.Refused) -> errors.DriverError:
        """Return the error of a malformed request to mount at a path, for a volume or for a pod."""
        return await dead_mounts.of_request(self._host, path, refused)

    async def adopt(self, volume: VolumeSpec, path: str) -> None:
        """Stage, for use as a raw block device, what another driver has staged; the caller has the volume's turn."""
        await self._stage(Stage(volume, path, None, read_only=False))

    async def _stage(self, wanted: Stage) -> None:
        """A final error is answered only if nothing is left of the attempt: neither a mount nor a mapper."""
        try:
            await self._stage_once(wanted)
        except errors.Refused as refused:
            answer = await dead_mounts.never_final(self._host, wanted.path, refused)
            if isinstance(answer, errors.Refused):
                await self._take_back(wanted)
            raise answer from refused

    async def _stage_once(self, wanted: Stage) -> None:
        volume = wanted.volume
        glance = await dead_mounts.remove(self._host, volume, await self._host.glance(wanted.path))
        async with self._host.devices.hold(volume) as disk, self._host.doubting(volume.id, disk.facts):
            await self._refuse_shared(wanted, disk)
            async with self._unlocking.opened(wanted, disk) as opened:
                if opened.device is not disk:
                    await self._refuse_shared(wanted, opened.device)
                if wanted.filesystem is None:
                    await self._stage_block(wanted, glance, opened)
                elif not await self._is_staged(wanted, wanted.filesystem, glance, opened.device):
                    await self._mount(wanted, wanted.filesystem, glance, opened)
                await self._grow(wanted, opened.device)

    async def _refuse_shared(self, wanted: Stage, device: Device) -> None:
        """Refuse a device that is mounted for another volume; each record has the number that was mounted."""
        records = [each for each in self._host.state.all(Staged) if each.number == device.facts.number]
        if others := frozenset(
            path for record in records if record.volume_id != wanted.volume.id for path in record.paths
        ):
            mounts = (await self._host.mounts.table()).of(device.facts.number)
            identity.check_mounts(wanted.volume, device.facts, mounts, others)

    async def _stage_block(self, wanted: Stage, glance: Glance, opened: Opened) -> None:
        device = opened.device
        if glance.mounted:
            raise errors.AlreadyExists(
                f"volume {wanted.volume.id} is staged at {glance.path} with a file system",
                remedy="delete the pods that use it: kubelet unstages it when none does",
                error_code=Code.STAGED_OTHERWISE,
            )
        async with AsyncExitStack() as claim:
            published = await self._is_published(wanted.volume)
            if published or not await claim.enter_async_context(self._host.prober.exclusively(device)):
                await self._refuse_mounted(wanted, device)  # what could be claimed is mounted nowhere
                if not published:
                    raise await block_use.error(self._host, wanted.volume, device)
            await opened.content.hand_out(wanted.volume, device)
        known = self._host.state.read(Staged, wanted.volume.id)
        if known is None or (known.number, known.kind) != (device.facts.number, ""):
            await self._host.remember(self._record(wanted, glance.path, device))
        elif glance.path not in known.paths:
            await self._host.remember(known.staged_at(glance.path))

    async def _refuse_mounted(self, wanted: Stage, device: Device) -> None:
        """Refuse to give out raw what is mounted with a file system."""
        if points := [mount.point for mount in (await self._host.mounts.table()).of(device.facts.number)]:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is asked for as a raw block device, but is mounted at {', '.join(points)}",
                remedy="unmount it there first",
                error_code=Code.STAGED_OTHERWISE,
            )

    async def _is_staged(self, wanted: Stage, filesystem: Filesystem, glance: Glance, device: Device) -> bool:
        """Tell whether it is mounted already. Raises AlreadyExists if something else is."""
        await self._refuse_raw_use(wanted)
        if not glance.mounted:
            mounting.check_propagation(glance.under, glance.path)
            return False
        known = self._host.state.read(Staged, wanted.volume.id)
        asked = mounting.Asked(
            volume_id=wanted.volume.id,
            what="staged",
            number=device.facts.number,
            kind=filesystem.kind,
            flags=filesystem.flags,
            read_only=wanted.read_only,
            known_flags=known.flags if known is not None and known.path == glance.path and known.kind else None,
        )
        mounting.check_same(glance.mounted[-1], asked)
        return True

    async def _is_published(self, volume: VolumeSpec) -> bool:
        """Tell whether a pod has the raw block device: then what is made of it is that pod's."""
        return bool(await block_use.targets(self._host, volume))

    async def _refuse_raw_use(self, wanted: Stage) -> None:
        """A pod that has the bare device must not see it mounted meanwhile."""
        if live := await block_use.targets(self._host, wanted.volume):
            raise errors.AlreadyExists(
                f"volume {wanted.volume.id} is in use as a raw block device at {', '.join(live)}",
                remedy="delete the pods that use it there",
                error_code=Code.STAGED_OTHERWISE,
            )

    async def _mount(self, wanted: Stage, filesystem: Filesystem, glance: Glance, opened: Opened) -> None:
        device = opened.device
        grow = await self._prepare(wanted, filesystem, opened)
        record = replace(self._record(wanted, glance.path, device), to_grow=grow)
        await self._host.remember(record, before=partial(paths.make_folder, glance.path))
        options = mounting.stage_options(filesystem, read_only=wanted.read_only)
        await self._host.mounts.mount(device.path, glance.path, filesystem.kind, options)
        if not await self._host.shows(glance.path, device.facts.number):
            await self._host.mounts.unmount_all((await self._host.mounts.table()).at(glance.path))
            raise errors.Unavailable(
                f"{device.path} became another device while volume {wanted.volume.id} was mounted",
                error_code=Code.DEVICE_CHANGED,
            )

    async def _grow(self, wanted: Stage, device: Device) -> None:
        """Grow what is mounted now; an earlier call may have been interrupted before it came to that.

        The data can be used as it is. So a growth that fails is no failure of the stage: NodeExpandVolume, and the next
        stage, try it again.
        """
        known = self._host.state.read(Staged, wanted.volume.id)
        if known is None or not known.to_grow:
            return
        try:
            await self._host.filesystems.grow_mounted(known.kind, device.path, known.path)
        except errors.DriverError as error:
            log.warning("not_grown", volume_id=wanted.volume.id, **errors.fields(error))
            return
        await self._host.remember(replace(known, to_grow=False))

    async def _take_back(self, wanted: Stage) -> None:
        """Close the mapper that a refused attempt has opened, and forget a staging that has come to nothing.

        Raises OutcomeUnknown if the mapper does not close.
        """
        volume, known = wanted.volume, self._host.state.read(Staged, wanted.volume.id)
        mapper = await self._host.mapper(volume.id) if volume.encryption is not None else None
        below = await self._host.facts(mapper.disk) if mapper is not None and mapper.disk else None
        if below is not None and not identity.is_volume(volume, below):
            mapper = None  # it has our name, and lies on another disk: this attempt has not opened it
        table = await self._host.mounts.table()
        used = [mapper.number] if mapper is not None else [known.number] if known is not None else []
        if await self._is_published(volume) or any(table.of(number) for number in used):
            return
        if mapper is not None:
            await self._host.luks.close(volume.id, mapper)
        if known is not None and known.kind:
            await self._host.forget(Staged, volume.id)

    async def _prepare(self, wanted: Stage, filesystem: Filesystem, opened: Opened) -> bool:
        """Leave a sound file system of the right kind on the device; tell whether it is to be grown once mounted."""
        device = opened.device
        async with AsyncExitStack() as claim:
            if not await claim.enter_async_context(self._host.prober.exclusively(device)):
                await self._check_shared_use(wanted, filesystem, device)
                return await self._is_short(wanted, filesystem, device)
            probe, decision = await opened.content.decide(wanted.volume, filesystem, device)
            if isinstance(decision, formatting.Format):
                await opened.content.format(wanted.volume, filesystem, device, decision, release=claim.aclose)
                return False
        await multiple_mount.refuse(self._host, wanted.volume, probe, device)
        if wanted.read_only or device.facts.read_only:
            mounting.check_read_only(wanted, probe)
            return False
        await self._check_copies(wanted, probe)
        is_ext = filesystem.kind in filesystem_argv.EXT
        grow = (is_ext and await self._host.filesystems.undo_growth(device, wanted.volume.id)) or decision.grow
        await self._check(wanted, filesystem, probe, device)
        if grow and is_ext and not self._grows_mounted_ext:
            undoable = wanted.volume.encryption is None
            await self._host.filesystems.grow_unmounted(device, wanted.volume.id, undoable=undoable)
            return False
        return grow

    async def _check(self, wanted: Stage, filesystem: Filesystem, probe: Probe, device: Device) -> None:
        """Check a file system. One that cannot be checked, and says of itself that it has errors, is not mounted."""
        marked = probe.superblock is not None and probe.superblock.marked
        checked = await self._host.filesystems.check(filesystem.kind, device, wanted.volume.id, marked=marked)
        if checked.unchecked and marked:
            raise errors.OutcomeUnknown(
                f"the file system of volume {wanted.volume.id} says that it has errors, and this e2fsck cannot check "
                f"it: {checked.unchecked}",
                remedy="use a release of the driver with newer e2fsprogs, or run a newer e2fsck on its device by hand",
                error_code=Code.CHECK_UNFINISHED,
            )

    async def _check_shared_use(self, wanted: Stage, filesystem: Filesystem, device: Device) -> None:
        """The device is in use. Mounted elsewhere on this host it can be mounted again; else it has to become free."""
        mounted = (await self._host.mounts.table()).of(device.facts.number)
        if mounted and all(mount.kind == filesystem.kind for mount in mounted):
            await dead_mounts.refuse_elsewhere(self._host, wanted.volume, mounted, device.facts)
            log.info("mounted_elsewhere", volume_id=wanted.volume.id, at=[mount.point for mount in mounted])
            return
        raise await block_use.error(self._host, wanted.volume, device)

    async def _is_short(self, wanted: Stage, filesystem: Filesystem, device: Device) -> bool:
        """Tell whether a file system that is mounted elsewhere is to grow. A check is out of place: it is in use."""
        if wanted.read_only or (filesystem.kind in filesystem_argv.EXT and not self._grows_mounted_ext):
            return False
        block = await self._host.devices.superblock(device.facts.number)
        return block is not None and formatting.is_short(block, device.facts)

    async def _check_copies(self, wanted: Stage, probe: Probe) -> None:
        """A btrfs knows its devices by UUID: with a copy mounted, the kernel would take one for the other."""
        if probe.superblock is None or probe.superblock.kind != "btrfs":
            return
        look = partial(self._host.sysfs.btrfs_devices, probe.superblock.uuid)
        mounted = await self._host.threads.call(look, SECONDS, "reading /sys")
        if mounted and probe.facts.kernel_name not in mounted:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is a btrfs copy of the one on {', '.join(mounted)}, in use on this node",
                remedy="give the copy an identity of its own (btrfstune -m), or use it on another node",
                error_code=Code.BTRFS_COPY,
            )

    def _record(self, wanted: Stage, path: str, device: Device) -> Staged:
        """Return what is to be remembered; a path at which the same device was staged before stays."""
        call_log.tell(outcome="staged", device=device.facts.kernel_name)
        record = Staged(
            volume_id=wanted.volume.id,
            volume_name=wanted.volume.name,
            path=path,
            number=device.facts.number,
            kind=wanted.filesystem.kind if wanted.filesystem else "",
            flags=wanted.filesystem.flags if wanted.filesystem else (),
            read_only=wanted.read_only,
            errors=device.facts.errors,
            disk=device.facts.disk,
        )
        known = self._host.state.read(Staged, wanted.volume.id)
        if known is None or (known.number, known.kind) != (record.number, record.kind):
            return record
        return replace(record, other_paths=known.staged_at(path).other_paths)
