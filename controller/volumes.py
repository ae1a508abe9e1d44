"""Create, delete, expand and label volumes. The name is the key: whoever asks again finds what was made.

The first request is the change itself; a look follows only when the answer asks for one. A volume of which the answer
was lost is left alone, never deleted: the next call finds it by its name.
Sources: CSI 1.13 "CreateVolume", "DeleteVolume", "ControllerExpandVolume"; DigitalOcean API "volumes_create".
"""

from contextlib import nullcontext
from dataclasses import replace

from common import call_log, errors, sizes
from controller.cloud.cloud_errors import EventPending, Gone, InUse, LookRefused, NameTaken, OddAnswer
from controller.cloud.records import Kind, Place, Volume, VolumeOrder
from controller.codes import Code
from controller.finality import not_final, not_shown
from controller.records import Create, Modify, Resize
from controller.rules import capacity, existing_volume, labels
from controller.running_actions import Running
from controller.shared import SharedParts
from controller.sources import Sources


class Volumes:
    """The life of volumes, but for their attachments."""

    def __init__(self, parts: SharedParts, sources: Sources) -> None:
        self._cloud = parts.cloud
        self._actions = parts.actions
        self._tasks = parts.tasks
        self._cache = parts.cache
        self._locks = parts.locks
        self._look = parts.look
        self._sizes = parts.cloud.traits.sizes
        self._copies = sources

    async def create(self, wanted: Create) -> Volume:
        """Make the volume, or find it made. Raises AlreadyExists, OutOfRange, NotFound, ResourceExhausted, NotFinal."""
        capacity.choose_gib(wanted.size, self._sizes)
        call_log.tell(outcome="found")
        with self._locks.hold(wanted.name):
            if wanted.source.volume_id:
                return await self._clone(wanted)
            if wanted.source.snapshot_id:
                return await self._restore(wanted)
            return await self._make(wanted, None, 0)

    async def delete(self, volume_id: str) -> None:
        """Delete the volume; one that is gone is done. Raises FailedPrecondition while it is attached, NotFinal.

        The provisioner may ask twice: what this process has deleted is not asked of the cloud again.
        """
        with self._locks.hold(volume_id, *self._name(volume_id)):
            call_log.tell(outcome="was_gone")
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
            call_log.tell(outcome="deleted")

    async def expand(self, wanted: Resize) -> tuple[int, bool]:
        """Grow the volume; return its size in bytes, and whether that is new. Raises NotFound, OutOfRange, NotFinal."""
        with self._locks.hold(wanted.volume_id, *self._name(wanted.volume_id)):
            await self._actions.join(wanted.volume_id)
            volume = await self._look(wanted.volume_id)
            grown = await self._grow(volume, capacity.grown_gib(volume, wanted.size, self._sizes))
            return grown.size_bytes, grown is not volume

    async def modify(self, wanted: Modify) -> tuple[list[str], list[str]]:
        """Put labels on a volume and take others off; return which were. Raises NotFound, NotFinal."""
        with self._locks.hold(wanted.volume_id):
            volume = await self._look(wanted.volume_id)
            held = {label.lower(): label for label in volume.labels}  # the cloud may keep a label in another case
            missing = labels.missing(wanted.present, volume.labels)
            for number, label in enumerate(missing):
                with not_final("some tags were put on the volume") if number else nullcontext():
                    await self._tasks.finish(self._cloud.add_label(volume.id, label))
            unwanted = [held[label.lower()] for label in wanted.absent if label.lower() in held]
            for number, label in enumerate(unwanted):
                with not_final("some tags of the volume were changed") if number or missing else nullcontext():
                    await self._tasks.finish(self._cloud.remove_label(volume.id, label))
            now = tuple(each for each in (*volume.labels, *missing) if each not in unwanted)
            self._cache.see(replace(volume, labels=now))
            return missing, unwanted

    async def get(self, volume_id: str) -> Volume:
        """Return the volume as the cloud tells it now. Raises NotFound."""
        return await self._look(volume_id)

    async def _restore(self, wanted: Create) -> Volume:
        """Make the volume of a snapshot, or find it made: then the snapshot may be gone."""
        try:
            smallest = await self._copies.smallest_bytes(wanted)
        except (errors.Refused, LookRefused):
            existing = await self._find(wanted)
            if existing is None:
                raise
            return await self._finish(wanted, existing, existing.size_bytes)
        volume = await self._make(wanted, wanted.source.snapshot_id, smallest)
        return await self._grow_to(volume, wanted, smallest)

    async def _clone(self, wanted: Create) -> Volume:
        """Copy through a snapshot, which lives no longer than the call, or the next one after a crash."""
        self._copies.asked(wanted)
        existing = await self._find(wanted)
        try:
            source = await self._copies.source_volume(wanted)
        except (errors.Refused, LookRefused):
            if existing is None:
                raise
            volume = await self._finish(wanted, existing, existing.size_bytes)
        else:
            smallest = source.size_bytes
            if existing is None:
                existing, smallest = await self._copy(wanted, source)
            volume = await self._finish(wanted, existing, smallest)
        await self._copies.clean(wanted)
        return volume

    async def _copy(self, wanted: Create, source: Volume) -> tuple[Volume, int]:
        """Make the clone; return it with the size in bytes that it begins with."""
        snapshot = await self._copies.take(wanted, source)
        smallest = max(source.size_bytes, snapshot.min_size_bytes)  # the source may have grown since it was looked at
        try:
            return await self._make(wanted, snapshot.id, smallest), smallest
        except errors.ResourceExhausted:
            raise  # this may pass, and the snapshot is needed then: the cloud takes the next one in ten minutes
        except errors.Refused as refused:
            if await self._copies.clean(wanted):
                raise
            raise errors.unavailable(refused) from refused

    async def _finish(self, wanted: Create, existing: Volume, smallest: int) -> Volume:
        """Let the volume that has the wanted name be what is wanted. Raises AlreadyExists, NotFinal."""
        existing_volume.check_existing(wanted, existing, smallest)
        return await self._grow_to(await self._made(existing), wanted, smallest)

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
            if made := await self._made_before(wanted, smallest):
                return made
            raise not_shown("volume", wanted.name, error) from None
        except Gone:
            return await self._made_of(wanted, snapshot_id or "")
        except errors.Refused:  # now; the call before may have made it
            if made := await self._made_before(wanted, smallest):
                return made
            raise
        await self._actions.ended(running)
        call_log.tell(outcome="created")
        return self._cache.see(replace(volume, ready=True))

    async def _made_before(self, wanted: Create, smallest: int) -> Volume | None:
        """Return the volume, if it was made before. Raises AlreadyExists, NotFinal."""
        with not_final(f"volume {wanted.name} may exist"):
            existing = await self._find(wanted)
        if existing is None:
            return None
        existing_volume.check_existing(wanted, existing, smallest)
        return await self._made(existing)

    async def _made_of(self, wanted: Create, snapshot_id: str) -> Volume:
        """The snapshot is gone: return the volume if it was made of it before. Raises NotFound, Unavailable."""
        self._cache.forget_snapshot(snapshot_id)
        if made := await self._made_before(wanted, wanted.size.required):
            return made
        if wanted.source.volume_id:  # only the temporary snapshot is known to be gone: the next call takes another
            raise errors.Unavailable(
                f"the snapshot through which {wanted.name} is cloned is gone", error_code=Code.SOURCE_GONE
            )
        raise errors.NotFound(
            f"there is no {wanted.source} to make volume {wanted.name} of",
            remedy="claim a blank volume, or one of a source that exists",
            error_code=Code.SOURCE_GONE,
        )

    async def _find(self, wanted: Create) -> Volume | None:
        """Return the volume of the wanted name. A list may show one that is gone: it is asked for by its id, too."""
        found = await self._cloud.find_volume(wanted.name, wanted.zone)
        try:
            volume = None if found is None else await self._cloud.get_volume(found.id)
        except Gone:
            return None
        if volume is not None and volume.name != wanted.name:  # its name goes into the claim's volume for good
            raise OddAnswer(f"volume {volume.id} is listed as {wanted.name}, and shown as {volume.name}")
        return volume

    async def _post(self, order: VolumeOrder) -> tuple[Volume, Running | None]:
        with self._locks.extend(order.name):
            try:
                volume, action = await self._cloud.create_volume(order)
            except Gone as error:
                if order.snapshot_id is None:  # what should be gone?
                    raise OddAnswer(f"volume {order.name}, of no snapshot, is not made: {error}") from None
                raise
            return self._cache.make(volume), self._actions.note(Place(volume.id), action)

    async def _made(self, volume: Volume) -> Volume:
        """Return the volume once it is ready: another call or process may have begun to make it. Raises NotFinal."""
        if not volume.ready:
            with not_final(f"volume {volume.id} is being made"):
                await self._actions.adopt(volume.id, Kind.CREATE)
                volume = await self._look(volume.id)
        if not volume.ready:
            raise EventPending(f"volume {volume.id} is still being made")
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
            return errors.Unavailable(
                refused.message,
                remedy="an action on the volume may be under way: the call is repeated",
                error_code=Code.STILL_ATTACHED,
            )
        holders = ", ".join(volume.server_ids)
        return errors.FailedPrecondition(
            f"volume {volume_id} is attached to node {holders} and is not deleted",
            remedy="detach it first",
            error_code=Code.STILL_ATTACHED,
        )

    async def _grow_to(self, volume: Volume, wanted: Create, smallest: int) -> Volume:
        """A copy begins as large as its source, whatever was asked for."""
        if not wanted.source.origin or volume.size_bytes >= wanted.size.required:
            return volume
        with not_final(f"volume {volume.id} was made as large as its source"):
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
                unknown = isinstance(error, errors.OutcomeUnknown)
                with not_final(f"volume {volume.id} may have been grown") if unknown else nullcontext():
                    if unknown:
                        await self._actions.adopt(volume.id, Kind.RESIZE)
                    volume = await self._look(volume.id)  # another replica may have grown it meanwhile
                if volume.size_bytes < sizes.to_bytes(gib):
                    raise
        self._cache.grow(volume.id, sizes.to_bytes(gib))
        return replace(volume, size_bytes=sizes.to_bytes(gib))

    def _name(self, volume_id: str) -> tuple[str, ...]:
        return () if (known := self._cache.get(volume_id)) is None else (known.name,)
