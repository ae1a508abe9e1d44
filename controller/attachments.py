"""Attach and detach: to the node that was named, and from no other.

The first request is the change itself; a look follows only when the cloud's answer asks for one.
Sources: CSI 1.13 "ControllerPublishVolume", "ControllerUnpublishVolume"; DigitalOcean API "volumeActions_post_byId".
"""

import asyncio
from collections.abc import Sequence

from common import errors
from controller.cloud.base import AlreadyAttached, Gone, Kind, NotAttached, Place, ServerFull, Volume
from controller.records import Attach, Detach, PublishContext
from controller.shared import SharedParts

FRESH_SECONDS = 1.0  # so long, what the cloud has told of an attach is as good as what it would tell now


class Attachments:
    """Publishes volumes to nodes. ``labels`` are put on a volume that lacks them, by the attach request itself.

    ``confirm``: a completed attach is confirmed by a look at the volume.
    """

    def __init__(self, parts: SharedParts, labels: Sequence[str] = (), *, confirm: bool = False) -> None:
        self._confirm = confirm
        self._cloud = parts.cloud
        self._actions = parts.actions
        self._cache = parts.cache
        self._locks = parts.locks
        self._look = parts.look
        self._labels = tuple(labels)

    async def publish(self, wanted: Attach) -> PublishContext:
        """Attach the volume to the server, and to none else.

        Raises NotFound for a volume or node that is none, FailedPrecondition if another server holds the volume,
        ResourceExhausted if the server is full, NotFinal if it is not known or not done yet.
        """
        with self._locks.hold(wanted.volume_id):
            joined = await self._actions.join(wanted.volume_id)
            just_attached = joined is not None and joined.did(Kind.ATTACH, wanted.server_id)
            volume = self._cache.get(wanted.volume_id)
            if volume is None and wanted.told is not None and not just_attached:
                volume = Volume(wanted.volume_id, wanted.told.volume_name, "", wanted.told.size_bytes)
            if volume is not None and self._has_just_attached(volume.id, wanted.server_id):
                return PublishContext(volume.name, volume.size_bytes)
            if volume is None or (wanted.server_id in volume.server_ids and not just_attached):
                volume = await self._look(wanted.volume_id)  # never seen, or thought to be there: ask
            if wanted.server_id not in volume.server_ids:
                await self._attach(volume, wanted.server_id)
            volume = self._cache.get(volume.id) or volume
            return PublishContext(volume.name, volume.size_bytes)

    async def unpublish(self, wanted: Detach) -> None:
        """Detach the volume from the server, if it holds it. Raises FailedPrecondition, NotFinal."""
        with self._locks.hold(wanted.volume_id):
            joined = await self._actions.join(wanted.volume_id)
            if wanted.server_id is not None:
                if joined is not None and joined.did(Kind.DETACH, wanted.server_id):
                    return
                await self._detach(wanted.volume_id, wanted.server_id)
                return
            try:
                volume = await self._look(wanted.volume_id)
            except Gone:
                return
            for server_id in volume.server_ids:
                await self._detach(wanted.volume_id, server_id)

    def _has_just_attached(self, volume_id: str, server_id: str) -> bool:
        """Whether the answer to the call before holds for this one: the attacher asks twice when its cache lags."""
        moment = asyncio.get_running_loop().time() - FRESH_SECONDS
        return not self._confirm and self._cache.attached_since(volume_id, moment) == server_id

    async def _attach(self, volume: Volume, server_id: str) -> None:
        if volume.server_ids and await self._is_held_elsewhere(volume.id, server_id):
            return
        place = Place(volume.id, server_id=server_id)
        labels = [label for label in self._labels if label not in volume.labels]
        self._cache.attaching(volume.id)
        try:
            await self._actions.run(Kind.ATTACH, place, lambda: self._cloud.attach(place, labels))
        except Gone:
            await self._look(volume.id)
            raise errors.NotFound(f"there is no node {server_id}: the cloud has no such server") from None
        except (AlreadyAttached, ServerFull, errors.OutcomeUnknown) as error:
            await self._settle(place, error)
        else:
            if self._confirm and server_id not in (await self._look(volume.id)).server_ids:
                raise errors.Unavailable(
                    f"the attach of volume {volume.id} is done, but the volume does not show it yet"
                )

    async def _is_held_elsewhere(self, volume_id: str, server_id: str) -> bool:
        """Memory says that another server holds the volume: look. True if it is the named one after all."""
        fresh = await self._look(volume_id)
        if fresh.server_ids and server_id not in fresh.server_ids:
            raise _held(fresh)
        return server_id in fresh.server_ids

    async def _settle(self, place: Place, error: errors.DriverError) -> None:
        """The answer does not tell how things stand: look. Raises ``error`` if the volume is not where it should be."""
        if isinstance(error, errors.OutcomeUnknown):
            await self._actions.adopt(place, Kind.ATTACH)
        fresh = await self._look(place.volume_id)
        if place.server_id in fresh.server_ids:
            return
        if isinstance(error, AlreadyAttached):
            raise _held(fresh) if fresh.server_ids else errors.Unavailable(error.message)
        raise error

    async def _detach(self, volume_id: str, server_id: str) -> None:
        place = Place(volume_id, server_id=server_id)
        self._cache.detaching(volume_id)
        try:
            was_detached = self._cache.detached_from(volume_id) == server_id
            if was_detached and server_id not in (await self._look(volume_id)).server_ids:
                return
            await self._actions.run(Kind.DETACH, place, lambda: self._cloud.detach(place))
        except (Gone, NotAttached, errors.OutcomeUnknown) as error:
            await self._confirm_detached(volume_id, server_id, error)

    async def _confirm_detached(self, volume_id: str, server_id: str, error: errors.DriverError) -> None:
        """Return if the server does not hold the volume, and will not. Otherwise raises NotFinal.

        "Not attached" may mean "not yet": an attach of this or another process may be under way without our knowledge.
        """
        try:
            fresh = await self._look(volume_id)
            if await self._actions.adopt(Place(volume_id, server_id=server_id), Kind.ATTACH, Kind.DETACH):
                fresh = await self._look(volume_id)
        except Gone:
            return
        if server_id not in fresh.server_ids:
            return
        if isinstance(error, errors.NotFinal):
            raise error
        raise errors.Unavailable(f"volume {volume_id} is still on node {server_id}; the cloud says: {error.message}")


def _held(volume: Volume) -> errors.FailedPrecondition:
    holders = ", ".join(volume.server_ids)
    return errors.FailedPrecondition(
        f"volume {volume.id} is attached to node {holders}",
        remedy="it can be attached elsewhere once it is detached from there",
    )
