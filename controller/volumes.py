"""Create, delete, expand and label volumes. The name is the key: whoever asks again finds what was made.

The first request is the change itself; a look follows only when the answer asks for one. A volume of which the answer
was lost is left alone, never deleted: the next call finds it by its name.
Sources: CSI 1.13 "CreateVolume", "DeleteVolume", "ControllerExpandVolume"; DigitalOcean API "volumes_create".
"""

from dataclasses import replace

from common import errors, sizes
from controller.actions import Running
from controller.cloud.base import EventPending, Gone, InUse, Kind, NameTaken, Place, Volume, VolumeOrder
from controller.records import Create, Modify, Resize, Size
from controller.rules import capacity, existing_volume
from controller.shared import SharedParts
from controller.sources import Sources


class Volumes:
    """The life of volumes, but for their attachments."""

    def __init__(self, parts: SharedParts) -> None:
        self._cloud = parts.cloud
        self._actions = parts.actions
        self._tasks = parts.tasks
        self._cache = parts.cache
        self._locks = parts.locks
        self._look = parts.look
        self._sizes = parts.cloud.traits.sizes
        self._copies = Sources(parts.cloud, parts.tasks, parts.cache)

    async def create(self, wanted: Create) -> Volume:
        """Make the volume, or find it made. Raises AlreadyExists, OutOfRange, NotFound, ResourceExhausted, NotFinal."""
        capacity.choose_gib(wanted.size, self._sizes)
        with self._locks.hold(wanted.name):
            if wanted.source.volume_id:
                return await self._clone(wanted)
            smallest = await self._copies.smallest_bytes(wanted) if wanted.source.snapshot_id else 0
            volume = await self._make(wanted, wanted.source.snapshot_id or None, smallest)
            return await self._grow_to(volume, wanted, smallest)

    async def delete(self, volume_id: str) -> None:
        """Delete the volume; one that is gone is done. Raises FailedPrecondition while it is attached, NotFinal.

        The provisioner may ask twice: what this process has deleted is not asked of the cloud again.
        """
        with self._locks.hold(volume_id, *self._name(volume_id)):
            if self._cache.has_deleted(volume_id):
                return
            await self._actions.join(volume_id)
            try:
                await self._actions.ended(await self._tasks.finish(self._delete(volume_id)))
            except Gone:
                return
            except InUse as refused:
                raise await self._why_in_use(volume_id, refused) from None
            self._cache.deleted(volume_id)

    async def expand(self, wanted: Resize) -> int:
        """Grow the volume; return its size in bytes. Raises NotFound, OutOfRange, NotFinal."""
        with self._locks.hold(wanted.volume_id, *self._name(wanted.volume_id)):
            await self._actions.join(wanted.volume_id)
            volume = await self._look(wanted.volume_id)
            gib = capacity.choose_gib(Size(max(wanted.size.required, volume.size_bytes), 0), self._sizes)
            if wanted.size.limit and max(volume.size_bytes, sizes.to_bytes(gib)) > wanted.size.limit:
                raise errors.OutOfRange(
                    f"volume {volume.id} would have {max(volume.size_bytes, sizes.to_bytes(gib))} bytes,"
                    f" more than the limit of {wanted.size.limit}"
                )
            return (await self._grow(volume, gib)).size_bytes

    async def modify(self, wanted: Modify) -> None:
        """Put labels on a volume and take others off. Raises NotFound, NotFinal."""
        with self._locks.hold(wanted.volume_id):
            volume = await self._look(wanted.volume_id)
            for label in (each for each in wanted.present if each not in volume.labels):
                await self._tasks.finish(self._cloud.add_label(volume.id, label))
            for label in (each for each in wanted.absent if each in volume.labels):
                await self._tasks.finish(self._cloud.remove_label(volume.id, label))
            present = dict.fromkeys((*volume.labels, *wanted.present))
            labels = tuple(each for each in present if each not in wanted.absent)
            self._cache.see(replace(volume, labels=labels))

    async def get(self, volume_id: str) -> Volume:
        """Return the volume as the cloud tells it now. Raises NotFound."""
        return await self._look(volume_id)

    async def _clone(self, wanted: Create) -> Volume:
        """Copy through a snapshot, which lives no longer than the call, or the next one after a crash."""
        existing = await self._find(wanted)
        source = await self._copies.source_volume(wanted)
        smallest = source.size_bytes
        if existing is None:
            snapshot = await self._copies.take(wanted, source)
            smallest = max(smallest, snapshot.min_size_bytes)  # the source may have grown since it was looked at
            existing = await self._make(wanted, snapshot.id, smallest)
        existing_volume.check_existing(wanted, existing, smallest)
        volume = await self._grow_to(await self._made(existing), wanted, smallest)
        await self._copies.clean(wanted)
        return volume

    async def _make(self, wanted: Create, snapshot_id: str | None, smallest: int) -> Volume:
        order = VolumeOrder(
            name=wanted.name,
            zone=wanted.zone,
            size_gib=capacity.choose_gib(wanted.size, self._sizes, smallest),
            origin=wanted.source,
            labels=wanted.labels,
            snapshot_id=snapshot_id,
        )
        try:
            volume, running = await self._tasks.finish(self._post(order))
        except (NameTaken, errors.OutcomeUnknown) as error:
            existing = await self._find(wanted)
            if existing is None:
                raise _not_seen(wanted.name, error) from None
            existing_volume.check_existing(wanted, existing, smallest)
            return await self._made(existing)
        except Gone:
            self._cache.forget_snapshot(snapshot_id or "")
            if wanted.source.volume_id:  # only the passing snapshot is known to be gone: the next call takes another
                raise errors.Unavailable(f"the snapshot through which {wanted.name} is cloned is gone") from None
            raise errors.NotFound(f"there is no {wanted.source} to make volume {wanted.name} of") from None
        await self._actions.ended(running)
        return volume

    async def _find(self, wanted: Create) -> Volume | None:
        """Return the volume of the wanted name. A list may show one that is gone: it is asked for by its id, too."""
        found = await self._cloud.find_volume(wanted.name, wanted.zone)
        try:
            return None if found is None else await self._cloud.get_volume(found.id)
        except Gone:
            return None

    async def _post(self, order: VolumeOrder) -> tuple[Volume, Running | None]:
        with self._locks.extend(order.name):
            volume, action = await self._cloud.create_volume(order)
            return self._cache.make(volume), self._actions.note(Place(volume.id), action)

    async def _made(self, volume: Volume) -> Volume:
        """Return the volume once it is ready: another call or process may have begun to make it. Raises NotFinal."""
        if not volume.ready:
            await self._actions.adopt(volume.id, Kind.CREATE)
            volume = await self._look(volume.id)
        if not volume.ready:
            raise EventPending(f"volume {volume.id} is still being made; call again")
        return self._cache.see(volume)

    async def _delete(self, volume_id: str) -> Running | None:
        with self._locks.extend(volume_id):
            try:
                running = self._actions.note(Place(volume_id), await self._cloud.delete_volume(volume_id))
            except Gone:
                self._cache.forget(volume_id)
                raise
            if running is None:
                self._cache.deleted(volume_id)
            return running

    async def _why_in_use(self, volume_id: str, refused: InUse) -> errors.DriverError:
        """Say why the cloud does not delete: who holds the volume, or else that this will pass."""
        volume = await self._look(volume_id)
        if not volume.server_ids:
            return errors.Unavailable(refused.message, remedy="an action on the volume may be under way; call again")
        holders = ", ".join(volume.server_ids)
        return errors.FailedPrecondition(
            f"volume {volume_id} is attached to node {holders} and is not deleted", remedy="detach it first"
        )

    async def _grow_to(self, volume: Volume, wanted: Create, smallest: int) -> Volume:
        """A copy begins as large as its source, whatever was asked for."""
        if not wanted.source.origin or volume.size_bytes >= wanted.size.required:
            return volume
        if await self._actions.join(volume.id) is not None:  # the call before this one has begun to grow it
            volume = await self._look(volume.id)
        return await self._grow(volume, capacity.choose_gib(wanted.size, self._sizes, smallest))

    async def _grow(self, volume: Volume, gib: int) -> Volume:
        if volume.size_bytes >= sizes.to_bytes(gib):
            return volume
        place = Place(volume.id, next(iter(volume.server_ids), None), volume.zone)
        with self._locks.extend(volume.id):
            try:
                await self._actions.run(Kind.RESIZE, place, lambda: self._cloud.resize(place, gib))
            except (errors.OutcomeUnknown, errors.FailedPrecondition) as error:
                if isinstance(error, errors.OutcomeUnknown):
                    await self._actions.adopt(volume.id, Kind.RESIZE)
                volume = await self._look(volume.id)  # another replica may have grown it meanwhile
                if volume.size_bytes < sizes.to_bytes(gib):
                    raise
        self._cache.grow(volume.id, sizes.to_bytes(gib))
        return replace(volume, size_bytes=sizes.to_bytes(gib))

    def _name(self, volume_id: str) -> tuple[str, ...]:
        known = self._cache.get(volume_id)
        return () if known is None else (known.name,)


def _not_seen(name: str, error: errors.DriverError) -> errors.DriverError:
    if isinstance(error, errors.NotFinal):
        return error
    return errors.Unavailable(f"the name {name} is taken, but the cloud shows no volume of that name yet; call again")
