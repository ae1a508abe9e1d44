"""Attach and detach: to the node that was named, and from no other.

The first request is the change itself; a look follows only when the cloud's answer asks for one.
Sources: CSI 1.13 "ControllerPublishVolume", "ControllerUnpublishVolume"; DigitalOcean API "volumeActions_post_byId".
"""

import asyncio
from collections.abc import Sequence

from common import call_log, errors
from controller.cache import Move
from controller.cloud.cloud_errors import AlreadyAttached, Gone, ServerFull
from controller.cloud.records import Kind, Place, Volume
from controller.codes import Code
from controller.finality import not_final
from controller.records import Attach, Detach, PublishContext
from controller.rules import attachment, labels
from controller.running_actions import Running
from controller.shared import SharedParts

FRESH_SECONDS = 1.0  # so long, what the cloud has told of an attach is as good as what it would tell now


class Attachments:
    """Publishes volumes to nodes. The attach request puts the labels ``of_cluster`` on a volume that lacks them.

    ``confirm``: a completed attach is confirmed by a look at the volume.
    """

    def __init__(self, parts: SharedParts, of_cluster: Sequence[str] = (), *, confirm: bool = False) -> None:
        self._confirm = confirm
        self._cloud = parts.cloud
        self._actions = parts.actions
        self._work = parts.work
        self._cache = parts.cache
        self._locks = parts.locks
        self._look = parts.look
        self._labels = tuple(of_cluster)

    async def publish(self, wanted: Attach) -> PublishContext:
        """Attach the volume to the server, and to none else.

        Raises NotFound if the volume or the node does not exist, FailedPrecondition if another server holds the volume,
        ResourceExhausted if the server is full, NotFinal if it is not known or not done yet.
        """
        with self._locks.hold(wanted.volume_id):
            call_log.tell(outcome="was_attached")
            volume = await self._known(wanted, await self._actions.join(wanted.volume_id))
            attachment.check_name(volume, wanted)
            if wanted.server_id not in volume.server_ids:
                await self._attach(volume, wanted.server_id)
            volume = self._cache.get(volume.id) or volume
            return PublishContext(volume.name, volume.size_bytes)

    async def unpublish(self, wanted: Detach) -> None:
        """Detach the volume from the server, if it holds it. Raises FailedPrecondition, NotFinal."""
        with self._work.detaching(wanted.volume_id, wanted.server_id), self._locks.hold(wanted.volume_id):
            call_log.tell(outcome="was_detached")
            joined = await self._actions.join(wanted.volume_id)
            if wanted.server_id is None:
                await self._detach_from_all(wanted.volume_id)
            elif joined is None or not joined.did(Kind.DETACH, wanted.server_id):
                await self._detach(wanted.volume_id, wanted.server_id)

    async def _known(self, wanted: Attach, joined: Running | None) -> Volume:
        """Return what is known of the volume; that the wanted server holds it is the cloud's own word of now."""
        volume = self._cache.get(wanted.volume_id)
        if volume is None and wanted.told is not None:
            held = (wanted.server_id,) if joined or self._last_attach(wanted) else ()
            volume = Volume(wanted.volume_id, wanted.told.volume_name, "", wanted.told.size_bytes, held)
        if volume is None:
            return await self._read_for(wanted.volume_id, wanted.server_id)
        if joined is not None:
            is_known = joined.did(Kind.ATTACH, wanted.server_id)
        else:
            is_known = wanted.server_id not in volume.server_ids or await self._has_just_attached(wanted)
        return volume if is_known else await self._read_for(wanted.volume_id, wanted.server_id)

    def _last_attach(self, wanted: Attach) -> Move | None:
        """Return the last move of the volume by this process, if it was to the wanted server."""
        move = self._cache.last_move(wanted.volume_id)
        return move if move and (move.kind, move.server_id) == (Kind.ATTACH, wanted.server_id) else None

    async def _has_just_attached(self, wanted: Attach) -> bool:
        """Whether the answer to the call before holds for this one: the attacher asks twice when its cache lags."""
        move = self._last_attach(wanted)
        if self._confirm or move is None:
            return False
        is_fresh = asyncio.get_running_loop().time() - move.seen < FRESH_SECONDS
        return is_fresh and await self._actions.is_newest(wanted.volume_id, move)

    async def _read_for(self, volume_id: str, server_id: str) -> Volume:
        """Read the volume. If it shows the server, no detach is about to take it away."""
        volume = await self._look(volume_id)
        return await self._actions.settled(volume) if server_id in volume.server_ids else volume

    async def _attach(self, volume: Volume, server_id: str) -> None:
        if volume.server_ids and await self._is_held_elsewhere(volume.id, server_id):
            return
        place = Place(volume.id, server_id=server_id)
        wanted = labels.missing(self._labels, volume.labels)
        self._cache.moving(volume.id)
        try:
            await self._actions.run(Kind.ATTACH, place, lambda: self._cloud.attach(place, wanted))
        except Gone:
            await self._look(volume.id)
            raise errors.NotFound(
                f"there is no node {server_id}: the cloud has no such server", error_code=Code.NODE_GONE
            ) from None
        except (errors.Refused, errors.OutcomeUnknown) as error:
            await self._settle(place, server_id, error)
        else:
            call_log.tell(outcome="attached")
            if self._confirm and server_id not in (await self._look(volume.id)).server_ids:
                raise errors.Unavailable(
                    f"the attach of volume {volume.id} is done, but the volume does not show it yet",
                    error_code=Code.NOT_SHOWN_YET,
                )

    async def _is_held_elsewhere(self, volume_id: str, server_id: str) -> bool:
        """Memory says that another server holds the volume: look. True if it is the named one after all."""
        return attachment.is_held(await self._read_for(volume_id, server_id), server_id)

    async def _settle(self, place: Place, server_id: str, error: errors.DriverError) -> None:
        """The answer does not tell how things stand: look. Raises ``error`` if the volume is not where it should be."""
        with not_final(f"an attach of volume {place.volume_id} was asked for"):
            if not isinstance(error, (AlreadyAttached, ServerFull)):  # these tell that none is under way
                await self._actions.adopt(place.volume_id, Kind.ATTACH)
            fresh = await self._read_for(place.volume_id, server_id)
        attachment.check_attached(fresh, server_id, error)
        if isinstance(error, errors.OutcomeUnknown):
            call_log.tell(outcome="attached")

    async def _detach_from_all(self, volume_id: str) -> None:
        """Detach from whatever holds the volume, also from what is only about to hold it."""
        try:
            volume = await self._actions.settled(await self._look(volume_id))
        except Gone:
            return
        for server_id in volume.server_ids:
            await self._detach(volume_id, server_id)

    async def _detach(self, volume_id: str, server_id: str) -> None:
        place = Place(volume_id, server_id=server_id)
        try:
            if await self._has_detached(volume_id, server_id):
                return
            self._cache.moving(volume_id)
            await self._actions.run(Kind.DETACH, place, lambda: self._cloud.detach(place))
            call_log.tell(outcome="detached")
        except (errors.Refused, errors.OutcomeUnknown) as error:
            await self._confirm_detached(volume_id, server_id, error)

    async def _has_detached(self, volume_id: str, server_id: str) -> bool:
        """Whether our detach from that server is the last thing that was begun on the volume, by any process."""
        move = self._cache.last_move(volume_id)
        if move is None or (move.kind, move.server_id) != (Kind.DETACH, server_id):
            return False
        return await self._actions.is_newest(volume_id, move)

    async def _confirm_detached(self, volume_id: str, server_id: str, error: errors.DriverError) -> None:
        """Return if the server does not hold the volume, and will not. Otherwise raises NotFinal.

        "Not attached" may mean "not yet": an attach of this or another process may be under way without our knowledge.
        On a server that is gone, nothing is attached or ever will be, whatever the volume or an old action shows.
        """
        with not_final(f"a detach of volume {volume_id} was asked for"):
            try:
                fresh = await self._look(volume_id)
                await self._cloud.get_server(server_id)
                fresh = await self._actions.settled(fresh)
            except Gone:
                return
        attachment.check_detached(fresh, server_id, error)
        if isinstance(error, errors.OutcomeUnknown):
            call_log.tell(outcome="detached")
