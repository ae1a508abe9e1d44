"""Publish a staged volume at a target path: a bind mount of its folder, or of its device node. And undo it.

Source: CSI 1.13 "NodePublishVolume", "NodeUnpublishVolume".
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from common import call_log, errors
from node import block_use, dead_mounts
from node.codes import Code
from node.encryption.unlocking import Unlocking
from node.host import paths
from node.host.devices import Device
from node.host.host import Glance, Host
from node.host.threads import SECONDS
from node.host.volume_locks import VolumeLocks
from node.records.kernel import Mount
from node.records.requests import Filesystem, Publish, VolumePath
from node.records.state import Published, Staged
from node.rules import condition, identity, mount_refs, mounting
from node.staging import Staging


class Publishing:
    """Publishes and unpublishes volumes; each volume and each target has one call at a time."""

    def __init__(self, host: Host, turns: VolumeLocks, unlocking: Unlocking, staging: Staging) -> None:
        self._host = host
        self._turns = turns
        self._unlocking = unlocking
        self._staging = staging

    async def publish(self, wanted: Publish) -> None:
        """Make it so that the volume is seen at the target path."""
        await self._turns.take((wanted.volume.id, wanted.target), partial(self._publish, wanted))

    async def unpublish(self, place: VolumePath) -> None:
        """Make it so that nothing is at the target path."""
        await self._turns.take((place.volume_id, place.path), partial(self._unpublish, place))

    async def _publish(self, wanted: Publish) -> None:
        """A final error is answered only if nothing is mounted at the target."""
        try:
            await self._publish_once(wanted)
        except errors.Refused as refused:
            raise await dead_mounts.never_final(self._host, wanted.target, refused) from refused

    async def _publish_once(self, wanted: Publish) -> None:
        glance = await self._host.glance(wanted.target)
        if wanted.filesystem is None:
            await self._publish_block(wanted, glance)
        else:
            await self._publish_folder(wanted, wanted.filesystem, glance)

    async def _publish_folder(self, wanted: Publish, filesystem: Filesystem, glance: Glance) -> None:
        staging = await self._host.glance(wanted.staging_path)
        staged = await self._staged(wanted, filesystem, staging)
        read_only = wanted.read_only or "ro" in filesystem.flags
        if wanted.alone:
            mounted = (await self._host.mounts.table()).of(staged.number)
            points = [mount.point for mount in mounted if mount.root == staged.root]
            _check_alone(wanted, set(mount_refs.uses(points, (staging.path,), glance.path)))
        if glance.mounted:
            asked = mounting.Asked(
                volume_id=wanted.volume.id,
                what="published",
                number=staged.number,
                kind=filesystem.kind,
                flags=filesystem.flags,
                read_only=read_only or "ro" in staged.options,
            )
            mounting.check_same(glance.mounted[-1], asked)
            return
        mounting.check_propagation(glance.under, glance.path)
        record = Published(wanted.volume.id, glance.path, block=False, read_only=read_only, flags=filesystem.flags)
        await self._host.remember(record, before=partial(paths.make_folder, glance.path))
        options = mounting.publish_options(filesystem.flags, read_only=read_only)
        await self._bind(wanted, (staging.path, glance.path), options, staged.number)

    async def _bind(self, wanted: Publish, where: tuple[str, str], options: tuple[str, ...], number: str) -> None:
        """Mount the one path at the other; what is seen there has to be the device ``number``, or its file system."""
        source, target = where
        await self._host.mounts.bind(source, target, options)
        call_log.tell(outcome="published")
        if not await self._host.shows(target, number):
            await self._host.mounts.unmount_all((await self._host.glance(target)).mounted)
            raise errors.Unavailable(
                f"volume {wanted.volume.id} was unstaged or detached while it was published at {target}",
                error_code=Code.NOT_STAGED,
            )

    async def _staged(self, wanted: Publish, filesystem: Filesystem, staging: Glance) -> Mount:
        """Return the staging mount. Raises FailedPrecondition if it is missing, another volume's, or dead."""
        staging_path = staging.path
        if not staging.mounted:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is not staged at {staging_path}",
                error_code=Code.NOT_STAGED,
            )
        staged = staging.mounted[-1]
        facts, known = await self._host.facts(staged.number), self._host.state.read(Staged, wanted.volume.id)
        if facts is None or not identity.is_volume(wanted.volume, facts):
            found = "gone" if facts is None else identity.describe(facts)
            raise errors.FailedPrecondition(
                f"the device under {staging_path} is not volume {wanted.volume.id} ({wanted.volume.name}), but {found}",
                remedy="the volume was detached while it was staged: delete the pods that use it",
                error_code=Code.DEVICE_FOREIGN,
            )
        if staged.kind != filesystem.kind:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is staged as {staged.kind}, but {filesystem.kind} is asked for",
                error_code=Code.OTHER_FILE_SYSTEM,
            )
        if reason := await dead_mounts.death(self._host, staged, facts, known):
            raise await self._dead(wanted.volume.id, staged, staging_path, reason)
        if staged.read_only and not wanted.read_only and "ro" not in filesystem.flags:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is read-only where it is staged",
                remedy="ask for a read-only publish",
                error_code=Code.DEVICE_READ_ONLY,
            )
        return staged

    async def _dead(self, volume_id: str, staged: Mount, staging_path: str, reason: str) -> errors.FailedPrecondition:
        """Return the refusal of a volume that is dead, with the pods that keep it from being mounted again."""
        mounted = (await self._host.mounts.table()).of(staged.number)
        users = mount_refs.uses((mount.point for mount in mounted), (staging_path,))
        return errors.FailedPrecondition(
            f"volume {volume_id} is dead where it is staged, at {staging_path}: {reason}",
            remedy=f"delete {condition.pods(users) if users else 'this pod'}: when no pod uses the volume on this "
            "node, it is unstaged, checked and mounted again",
            error_code=Code.FILE_SYSTEM_DEAD,
        )

    async def _publish_block(self, wanted: Publish, glance: Glance) -> None:
        known = self._host.state.read(Staged, wanted.volume.id)
        if known is None and await self._is_staged_by_another(wanted):
            await self._staging.adopt(wanted.volume, wanted.staging_path)
            known = self._host.state.read(Staged, wanted.volume.id)
        if known is None or known.kind:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is not staged for use as a raw block device",
                error_code=Code.NOT_STAGED,
            )
        async with self._device(wanted) as device:
            others = tuple(each for each in await self._live(wanted.volume.id) if each.target != glance.path)
            _check_alone(wanted, {each.target for each in others})
            if glance.mounted:
                self._check_published_block(wanted, glance, device)
                return
            mounting.check_propagation(glance.under, glance.path)
            await self._refuse_use_by_others(wanted, device, others)
            await self._set_access(wanted, known, device, others)
            record = Published(wanted.volume.id, glance.path, block=True, read_only=wanted.read_only)
            await self._host.remember(record, before=partial(paths.make_file, glance.path))
            await self._bind(wanted, (device.path, glance.path), ("bind",), device.facts.number)

    async def _refuse_use_by_others(self, wanted: Publish, device: Device, others: tuple[Published, ...]) -> None:
        """Once a pod has the device, what claims it is that pod's. Before, it is another owner's."""
        if others:
            return
        async with self._host.prober.exclusively(device) as free:
            if not free:
                raise await block_use.error(self._host, wanted.volume, device)

    async def _is_staged_by_another(self, wanted: Publish) -> bool:
        """Tell whether another driver has staged the volume, which kubelet then does not ask this one for.

        Of a raw block volume staging leaves nothing but the folder, which kubelet removes when it is unstaged. An
        encrypted volume is no other driver's.
        """
        if wanted.volume.encryption is not None:
            return False
        look = partial(paths.is_folder, wanted.staging_path)
        return await self._host.threads.call(look, SECONDS, f"looking at {wanted.staging_path}")

    @asynccontextmanager
    async def _device(self, wanted: Publish) -> AsyncIterator[Device]:
        """Yield the proven device; of an encrypted volume its mapper, proven to lie on it."""
        async with self._host.devices.hold(wanted.volume, wait=False) as disk:
            if wanted.volume.encryption is None:
                yield disk
                return
            mapper = await self._unlocking.find(wanted.volume, disk)
            async with self._host.devices.hold_mapper(mapper) as device:
                yield device

    def _check_published_block(self, wanted: Publish, glance: Glance, device: Device) -> None:
        known = self._host.state.read(Published, glance.path)
        read_only = known.read_only if known is not None else device.facts.read_only
        if glance.block != device.facts.number or read_only != wanted.read_only:
            raise errors.AlreadyExists(
                f"{glance.path} has {'device ' + glance.block if glance.block else 'another mount'} already, "
                f"{'read-only' if read_only else 'for writing'}",
                remedy="delete the pod of that path: kubelet unpublishes it",
                error_code=Code.STAGED_OTHERWISE,
            )

    async def _set_access(self, wanted: Publish, known: Staged, device: Device, others: tuple[Published, ...]) -> None:
        """Make the device itself read-only, or writable again: a read-only mount of its node would stop no one."""
        changes = wanted.read_only != device.facts.read_only
        unlike = [each.target for each in others if each.read_only != wanted.read_only]
        if changes and not others:
            unlike = await self._unrecorded(device)
        if unlike:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is published {'for writing' if wanted.read_only else 'read-only'} "
                f"at {', '.join(unlike)}, and a raw block device is one or the other",
                remedy="delete the pods that use it there",
                error_code=Code.BLOCK_ACCESS,
            )
        if not changes:
            return
        facts = device.facts
        if wanted.read_only or known.set_read_only:  # what a person has made read-only stays so
            await self._host.remember(replace(known, set_read_only=True))
            await self._host.devices.set_read_only(facts.number, read_only=wanted.read_only)
            facts = await self._host.facts(facts.number) or facts
        if facts.read_only and not wanted.read_only:
            raise errors.FailedPrecondition(
                f"the device of volume {wanted.volume.id} is read-only",
                remedy=f"read dmesg of the node; if no one wants it so, blockdev --setrw {device.path}",
                error_code=Code.DEVICE_READ_ONLY,
            )

    async def _unrecorded(self, device: Device) -> list[str]:
        """Return where the device's node is mounted that no record tells of: records were lost, or another driver's."""
        name = PurePosixPath(device.path).name
        points = [mount.point for mount in await self._host.mounts.table() if mount.root.endswith(f"/{name}")]
        return [point for point in points if await self._host.shows(point, device.facts.number)]

    async def _live(self, volume_id: str) -> tuple[Published, ...]:
        records = [each for each in self._host.state.all(Published) if each.volume_id == volume_id]
        if not records:
            return ()
        table = await self._host.mounts.table()
        return tuple(each for each in records if table.at(each.target))

    async def _unpublish(self, place: VolumePath) -> None:
        glance = await self._host.glance(place.path)
        self._refuse_foreign(place, glance)
        if self._host.state.read(Published, glance.path) is None:
            for mount in glance.mounted:
                node = bool(glance.block) and mount is glance.mounted[-1]
                facts = await self._host.facts(glance.block if node else mount.number)
                identity.check_unrecorded(place.volume_id, mount, facts, node=node)
        call_log.tell(outcome="unpublished" if glance.mounted else "was_unpublished", target=glance.path)
        staged = self._host.state.read(Staged, place.volume_id)
        beside = (*(staged.paths if staged is not None else ()), *self._host.devices.folders)
        await self._host.mounts.unmount_all(glance.mounted, beside)
        await self._host.forget(Published, glance.path, before=partial(paths.remove, glance.path))

    def _refuse_foreign(self, place: VolumePath, glance: Glance) -> None:
        """A path that is known as another volume's, or as a staging path, is not unpublished by mistake."""
        known = self._host.state.read(Published, glance.path)
        staged = {path for record in self._host.state.all(Staged) for path in record.paths}
        if (known is not None and known.volume_id != place.volume_id) or glance.path in staged:
            raise errors.FailedPrecondition(
                f"{glance.path} is not a target path of volume {place.volume_id}", error_code=Code.FOREIGN_MOUNT
            )


def _check_alone(wanted: Publish, others: set[str]) -> None:
    if wanted.alone and others:
        raise errors.FailedPrecondition(
            f"volume {wanted.volume.id} is for a single writer, and is published at {', '.join(sorted(others))}",
            remedy="unpublish it there first (ReadWriteOncePod: delete the other pod)",
            error_code=Code.SINGLE_WRITER,
        )
