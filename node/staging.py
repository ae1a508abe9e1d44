"""Stage a volume: find and prove its device, format it if it is blank beyond doubt, check, mount, grow. And undo it.

Source: CSI 1.13 "NodeStageVolume", "NodeUnstageVolume".
"""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import structlog

from common import deadlines, errors
from node.formatting import Formatter
from node.host import paths, processes
from node.host.devices import OPEN_SECONDS, Device
from node.host.host import Host
from node.host.turns import Turns
from node.records import Filesystem, Mount, Place, Probe, Published, Stage, Staged
from node.rules import formatting, identity, mountinfo, mounting, programs

log = structlog.get_logger()

RELEASE_SECONDS = 30.0  # for the kernel to let go of a device after its last unmount
RELEASE_PAUSE = 0.05


class Staging:
    """Stages and unstages volumes; each volume and each path has one call at a time."""

    def __init__(self, host: Host, turns: Turns, formatter: Formatter, *, grows_mounted_ext: bool) -> None:
        self._host = host
        self._turns = turns
        self._formatter = formatter
        self._grows_mounted_ext = grows_mounted_ext

    async def stage(self, wanted: Stage) -> None:
        """Make it so that the volume is mounted at the staging path, or proven for use as a raw block device."""
        await self._turns.take((wanted.volume.id, wanted.path), partial(self._stage, wanted))

    async def unstage(self, place: Place) -> None:
        """Make it so that nothing is mounted at the staging path and the kernel has let go of the device."""
        await self._turns.take((place.volume_id, place.path), partial(self._unstage, place))

    async def _stage(self, wanted: Stage) -> None:
        path = await self._resolve(wanted.path)
        known = await self._host.recall(Staged, wanted.volume.id)
        await self._recover(wanted, path, known)
        async with self._host.devices.hold(wanted.volume) as device:
            await self._check_other_volumes(wanted, device)
            number, filesystem = device.facts.number, wanted.filesystem
            if filesystem is None:
                await self._stage_block(wanted, path, device, known)
            elif not await self._is_staged(wanted, filesystem, path, number, known):
                await self._mount(wanted, filesystem, path, device)

    async def _stage_block(self, wanted: Stage, path: str, device: Device, known: Staged | None) -> None:
        if mountinfo.at(await self._host.mounts.table(), path):
            raise errors.AlreadyExists(
                f"volume {wanted.volume.id} is staged at {path} with a file system", remedy="unstage it first"
            )
        record = _record(wanted, path, device)
        if known is None or known.number != record.number:
            await self._host.remember(wanted.volume.id, record)

    async def _is_staged(
        self, wanted: Stage, filesystem: Filesystem, path: str, number: str, known: Staged | None
    ) -> bool:
        table = await self._host.mounts.table()
        mounted = mountinfo.at(table, path)
        if not mounted:
            mounting.check_propagation(mountinfo.covering(table, path), path)
            return False
        ours = known is not None and known.path == path and bool(known.kind)
        asked = mounting.Asked(
            volume_id=wanted.volume.id,
            what="staged",
            number=number,
            kind=filesystem.kind,
            flags=filesystem.flags,
            read_only=wanted.read_only,
            known_flags=known.flags if known is not None and ours else None,
        )
        mounting.check_same(mounted[-1], asked)
        return True

    async def _mount(self, wanted: Stage, filesystem: Filesystem, path: str, device: Device) -> None:
        grow = await self._prepare(wanted, filesystem, device)
        await self._host.threads.call(partial(paths.make_folder, path), OPEN_SECONDS, path)
        await self._host.remember(wanted.volume.id, _record(wanted, path, device))
        options = mounting.stage_options(filesystem, read_only=wanted.read_only)
        await self._host.mounts.mount(device.path, path, filesystem.kind, options)
        mounted = mountinfo.at(await self._host.mounts.table(), path)
        if not mounted or mounted[-1].number != device.facts.number:
            await self._host.mounts.unmount_all(path)
            raise errors.Unavailable(f"{device.path} became another device while volume {wanted.volume.id} was mounted")
        if grow and not wanted.read_only:
            await self._host.filesystems.grow_mounted(filesystem.kind, device.path, path)

    async def _prepare(self, wanted: Stage, filesystem: Filesystem, device: Device) -> bool:
        """Leave a sound file system of the right kind on the device; tell whether it is to be grown once mounted."""
        async with AsyncExitStack() as claim:
            if not await claim.enter_async_context(self._host.prober.exclusively(device)):
                await self._check_shared_use(wanted, filesystem, device)
                return False
            probe, decision = await self._formatter.decide(wanted.volume, filesystem, device)
            if isinstance(decision, formatting.Format):
                await self._formatter.format(wanted.volume, filesystem, device, decision, release=claim.aclose)
                return False
        if wanted.read_only or device.facts.read_only:
            _check_read_only(wanted, probe)
            return False
        await self._check_copies(wanted, probe)
        await self._host.filesystems.check(filesystem.kind, device, wanted.volume.id)
        if decision.grow and filesystem.kind in programs.EXT and not self._grows_mounted_ext:
            await self._host.filesystems.grow_unmounted(device, wanted.volume.id)
            return False
        return decision.grow

    async def _check_shared_use(self, wanted: Stage, filesystem: Filesystem, device: Device) -> None:
        """The device is in use. Mounted elsewhere on this host it can be mounted again; else it has to become free."""
        table = await self._host.mounts.table()
        mounted = [mount for mount in table if mount.number == device.facts.number]
        if mounted and all(mount.kind == filesystem.kind for mount in mounted):
            log.info("mounted_elsewhere", volume=wanted.volume.id, at=[mount.point for mount in mounted])
            return
        users = await self._users(device)
        raise errors.Unavailable(
            f"device {device.path} of volume {wanted.volume.id} is in use by {users or 'somebody'}",
            remedy="a program that formats or checks it ends by itself; anything else has to let go of it",
        )

    async def _check_copies(self, wanted: Stage, probe: Probe) -> None:
        """A btrfs knows its devices by UUID: with a copy mounted, the kernel would take one for the other."""
        if probe.superblock is None or probe.superblock.kind != "btrfs":
            return
        look = partial(self._host.sysfs.btrfs_devices, probe.superblock.uuid)
        mounted = await self._host.threads.call(look, OPEN_SECONDS, "reading /sys")
        if mounted and probe.facts.kernel_name not in mounted:
            raise errors.FailedPrecondition(
                f"volume {wanted.volume.id} is a btrfs copy of the one on {', '.join(mounted)}, in use on this node",
                remedy="give the copy an identity of its own (btrfstune -m), or use it on another node",
            )

    async def _check_other_volumes(self, wanted: Stage, device: Device) -> None:
        records = await self._host.recall_all(Staged)
        others = frozenset(record.path for record in records if record.volume_id != wanted.volume.id)
        if others:
            identity.check_mounts(wanted.volume, device.facts, await self._host.mounts.table(), others)

    async def _recover(self, wanted: Stage, path: str, known: Staged | None) -> None:
        """Take away a staging mount whose device is gone: the volume was detached under it, and may be back."""
        table = await self._host.mounts.table()
        for mount in reversed(mountinfo.at(table, path)):
            facts = await self._host.devices.facts(mount.number)
            was_ours = known is not None and known.number == mount.number
            if not identity.is_stale(wanted.volume, facts, was_ours=was_ours):
                return
            if users := _other_points(table, mount.number, path):
                raise errors.FailedPrecondition(
                    f"volume {wanted.volume.id} was detached while it was mounted at {', '.join(users)}",
                    remedy="delete the pods that use it; when they are gone the volume is mounted anew",
                )
            log.warning("stale_mount_removed", volume=wanted.volume.id, path=path, device=mount.number)
            await self._host.mounts.unmount(path)

    async def _unstage(self, place: Place) -> None:
        path = await self._resolve(place.path)
        known = await self._host.recall(Staged, place.volume_id)
        if known is not None and known.path != path:
            known = None
        table = await self._host.mounts.table()
        mounted = mountinfo.at(table, path)
        numbers = {mount.number for mount in mounted} | ({known.number} if known is not None else set())
        await self._refuse_while_published(place, path, table, numbers)
        if mounted and known is None:  # staged by another driver: remember the device in case this call is interrupted
            known = Staged(place.volume_id, "", path, mounted[-1].number, mounted[-1].kind)
            await self._host.remember(place.volume_id, known)
        await self._host.mounts.unmount_all(path)
        for number in sorted(numbers):
            await self._wait_until_free(place, number)
        if known is not None and known.set_read_only:
            await self._host.devices.set_read_only(known.number, read_only=False)
        if known is not None:
            await self._host.forget(Staged, place.volume_id)

    async def _refuse_while_published(
        self, place: Place, path: str, table: tuple[Mount, ...], numbers: set[str]
    ) -> None:
        published = [each for each in await self._host.recall_all(Published) if each.volume_id == place.volume_id]
        live = {each.target for each in published if mountinfo.at(table, each.target)}
        for number in numbers:
            live |= set(_other_points(table, number, path))
        if live:
            raise errors.FailedPrecondition(
                f"volume {place.volume_id} is still published at {', '.join(sorted(live))}",
                remedy="unpublish it there first (delete the pods that use it)",
            )

    async def _wait_until_free(self, place: Place, number: str) -> None:
        """Return when nobody holds the device. Raises Unavailable, naming who does, if that takes too long."""
        clock = asyncio.get_running_loop().time
        last = clock() + min(RELEASE_SECONDS, max(0.0, deadlines.remaining() - 1.0))
        while not await self._host.devices.is_free(number):
            if clock() >= last:
                users = await self._host.threads.call(
                    partial(processes.holders_of_mount, number), OPEN_SECONDS, "looking for processes"
                )
                raise errors.Unavailable(
                    f"the kernel still uses device {number} of volume {place.volume_id}"
                    f"{': mounted for ' + ', '.join(users) if users else ''}",
                    remedy="end the processes that keep it mounted; it is not safe to detach until then",
                )
            await asyncio.sleep(RELEASE_PAUSE)  # noqa: TID251  # the kernel tells nobody when a device becomes free

    async def _users(self, device: Device) -> str:
        found = await self._host.threads.call(
            partial(processes.users, device.path), OPEN_SECONDS, "looking for processes"
        )
        return ", ".join(found)

    async def _resolve(self, path: str) -> str:
        return await self._host.threads.call(partial(paths.resolve, path), OPEN_SECONDS, f"resolving {path}")


def _record(wanted: Stage, path: str, device: Device) -> Staged:
    return Staged(
        volume_id=wanted.volume.id,
        volume_name=wanted.volume.name,
        path=path,
        number=device.facts.number,
        kind=wanted.filesystem.kind if wanted.filesystem else "",
        flags=wanted.filesystem.flags if wanted.filesystem else (),
        read_only=wanted.read_only,
    )


def _other_points(table: tuple[Mount, ...], number: str, path: str) -> list[str]:
    """Return where else the device is mounted, or its node is: the publishes, and what others have made."""
    return sorted({mount.point for mount in table if mount.number == number and mount.point != path})


def _check_read_only(wanted: Stage, probe: Probe) -> None:
    """Raise FailedPrecondition for what cannot be mounted without writing."""
    if probe.facts.read_only and not wanted.read_only:
        raise errors.FailedPrecondition(
            f"the device of volume {wanted.volume.id} is read-only, and writing is asked for",
            remedy="attach the volume for writing, or ask for a reader's access mode",
        )
    if probe.facts.read_only and probe.superblock is not None and probe.superblock.needs_replay:
        raise errors.FailedPrecondition(
            f"the journal of volume {wanted.volume.id} has to be replayed, and its device is read-only",
            remedy="attach the volume for writing once",
        )
