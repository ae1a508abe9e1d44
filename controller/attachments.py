"""Attach and detach: to the droplet that was named, and from no other.

The first request is the change itself; a look follows only when the cloud's answer asks for one.
Sources: CSI 1.13 "ControllerPublishVolume", "ControllerUnpublishVolume"; DigitalOcean API "volumeActions_post_byId".
"""

import asyncio
from collections.abc import Sequence

from common import errors
from controller.cloud.base import AlreadyAttached, DropletFull, Gone, Kind, NotAttached, Place, Volume
from controller.records import Attach, Detach, PublishContext
from controller.shared import SharedParts

FRESH_SECONDS = 1.0  # so long, what the cloud has told of an attach is as good as what it would tell now


class Attachments:
    """Publishes volumes to droplets. ``tags`` are put on a volume that lacks them, by the attach request itself.

    ``confirm``: a completed attach is confirmed by a look at the volume.
    """

    def __init__(self, parts: SharedParts, tags: Sequence[str] = (), *, confirm: bool = False) -> None:
        self._confirm = confirm
        self._cloud = parts.cloud
        self._actions = parts.actions
        self._cache = parts.cache
        self._locks = parts.locks
        self._look = parts.look
        self._tags = tuple(tags)

    async def publish(self, wanted: Attach) -> PublishContext:
        """Attach the volume to the droplet, and to none else.

        Raises NotFound for a volume or droplet that is none, FailedPrecondition if another droplet holds the volume,
        ResourceExhausted if the droplet is full, NotFinal if it is not known or not done yet.
        """
        with self._locks.hold(wanted.volume_id):
            joined = await self._actions.join(wanted.volume_id)
            just_attached = joined is not None and joined.did(Kind.ATTACH, wanted.droplet_id)
            volume = self._cache.get(wanted.volume_id)
            if volume is None and wanted.told is not None and not just_attached:
                volume = Volume(wanted.volume_id, wanted.told.volume_name, "", wanted.told.size_bytes)
            if volume is not None and self._has_just_attached(volume.id, wanted.droplet_id):
                return PublishContext(volume.name, volume.size_bytes)
            if volume is None or (wanted.droplet_id in volume.droplet_ids and not just_attached):
                volume = await self._look(wanted.volume_id)  # never seen, or thought to be there: ask
            if wanted.droplet_id not in volume.droplet_ids:
                await self._attach(volume, wanted.droplet_id)
            volume = self._cache.get(volume.id) or volume
            return PublishContext(volume.name, volume.size_bytes)

    async def unpublish(self, wanted: Detach) -> None:
        """Detach the volume from the droplet, if it holds it. Raises FailedPrecondition, NotFinal."""
        with self._locks.hold(wanted.volume_id):
            joined = await self._actions.join(wanted.volume_id)
            if wanted.droplet_id is not None:
                if joined is not None and joined.did(Kind.DETACH, wanted.droplet_id):
                    return
                await self._detach(wanted.volume_id, wanted.droplet_id)
                return
            try:
                volume = await self._look(wanted.volume_id)
            except Gone:
                return
            for droplet_id in volume.droplet_ids:
                await self._detach(wanted.volume_id, droplet_id)

    def _has_just_attached(self, volume_id: str, droplet_id: int) -> bool:
        """Whether the answer to the call before holds for this one: the attacher asks twice when its cache lags."""
        moment = asyncio.get_running_loop().time() - FRESH_SECONDS
        return not self._confirm and self._cache.attached_since(volume_id, moment) == droplet_id

    async def _attach(self, volume: Volume, droplet_id: int) -> None:
        if volume.droplet_ids and await self._is_held_elsewhere(volume.id, droplet_id):
            return
        place = Place(volume.id, droplet_id=droplet_id)
        tags = [tag for tag in self._tags if tag not in volume.tags]
        self._cache.attaching(volume.id)
        try:
            await self._actions.run(Kind.ATTACH, place, lambda: self._cloud.attach(place, tags))
        except Gone:
            await self._look(volume.id)
            raise errors.NotFound(f"there is no node {droplet_id}: the cloud has no such droplet") from None
        except (AlreadyAttached, DropletFull, errors.OutcomeUnknown) as error:
            await self._settle(place, error)
        else:
            if self._confirm and droplet_id not in (await self._look(volume.id)).droplet_ids:
                raise errors.Unavailable(
                    f"the attach of volume {volume.id} is done, but the volume does not show it yet"
                )

    async def _is_held_elsewhere(self, volume_id: str, droplet_id: int) -> bool:
        """Memory says that another droplet holds the volume: look. True if it is the named one after all."""
        fresh = await self._look(volume_id)
        if fresh.droplet_ids and droplet_id not in fresh.droplet_ids:
            raise _held(fresh)
        return droplet_id in fresh.droplet_ids

    async def _settle(self, place: Place, error: errors.DriverError) -> None:
        """The answer does not tell how things stand: look. Raises ``error`` if the volume is not where it should be."""
        if isinstance(error, errors.OutcomeUnknown):
            await self._actions.adopt(place, Kind.ATTACH)
        fresh = await self._look(place.volume_id)
        if place.droplet_id in fresh.droplet_ids:
            return
        if isinstance(error, AlreadyAttached):
            raise _held(fresh) if fresh.droplet_ids else errors.Unavailable(error.message)
        raise error

    async def _detach(self, volume_id: str, droplet_id: int) -> None:
        place = Place(volume_id, droplet_id=droplet_id)
        self._cache.detaching(volume_id)
        try:
            was_detached = self._cache.detached_from(volume_id) == droplet_id
            if was_detached and droplet_id not in (await self._look(volume_id)).droplet_ids:
                return
            await self._actions.run(Kind.DETACH, place, lambda: self._cloud.detach(place))
        except (Gone, NotAttached, errors.OutcomeUnknown) as error:
            await self._confirm_detached(volume_id, droplet_id, error)

    async def _confirm_detached(self, volume_id: str, droplet_id: int, error: errors.DriverError) -> None:
        """Return if the droplet does not hold the volume, and will not. Otherwise raises NotFinal.

        "Not attached" may mean "not yet": an attach of this or another process may be under way without our knowledge.
        """
        try:
            fresh = await self._look(volume_id)
            if await self._actions.adopt(Place(volume_id, droplet_id=droplet_id), Kind.ATTACH, Kind.DETACH):
                fresh = await self._look(volume_id)
        except Gone:
            return
        if droplet_id not in fresh.droplet_ids:
            return
        if isinstance(error, errors.NotFinal):
            raise error
        raise errors.Unavailable(
            f"volume {volume_id} is still on droplet {droplet_id}; the cloud says: {error.message}"
        )


def _held(volume: Volume) -> errors.FailedPrecondition:
    holders = ", ".join(map(str, volume.droplet_ids))
    return errors.FailedPrecondition(
        f"volume {volume.id} is attached to droplet {holders}",
        remedy="it can be attached elsewhere once it is detached from there",
    )
