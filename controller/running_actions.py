"""Actions of ours that are under way: which, on what volume and server, and which may be over without our knowledge."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

import structlog

from common import errors
from controller.cache import REMEMBERED_MOVES, Accounted, VolumeCache, keep
from controller.cloud.base import Cloud
from controller.cloud.cloud_errors import Gone
from controller.cloud.records import ActionState, Kind, Pending, Place, Progress, Volume
from controller.codes import Code
from controller.reading import read_volume

log = structlog.get_logger("actions")

MOVES = frozenset({Kind.ATTACH, Kind.DETACH})
OVERDUE_SECONDS = 60.0  # far more than an attach, a detach or a growth takes


@dataclass(frozen=True)
class Running:
    """An action that was started; ``since`` is loop time. ``ended`` is None until it was seen to end."""

    place: Place
    action: Pending
    since: float
    ended: Progress | None = None

    def did(self, kind: Kind, server_id: str) -> bool:
        """Whether it was that, with that server, and has ended well."""
        done = self.ended is not None and self.ended.state is ActionState.COMPLETED
        return done and self.action.kind is kind and self.place.server_id == server_id

    def is_shown_by(self, volume: Volume) -> bool:
        """Whether the volume shows what the action was to do; of a growth it is for the caller to say."""
        return self.action.kind not in MOVES or is_shown(self.action, volume, self.place.server_id)


def is_shown(move: Pending, volume: Volume, server_id: str | None = None) -> bool:
    """Whether the volume may have come to be as it is by that move, to or from the server if it is known."""
    holds = bool(volume.server_ids) if server_id is None else server_id in volume.server_ids
    return holds is (move.kind is Kind.ATTACH)


class RunningActions:
    """What is under way: one action on a volume and, if the cloud is like that, on a server."""

    def __init__(self, cloud: Cloud, cache: VolumeCache) -> None:
        self._cloud = cloud
        self._cache = cache
        self._one_each = cloud.traits.one_action_per_server
        self._of_volume: dict[str, Running] = {}
        self._of_server: dict[str | None, Running] = {}
        self.doubted: set[str] = set()  # actions that a caller has waited for in vain
        self._unshown: OrderedDict[str, float] = OrderedDict()  # since when a volume lacks what an action did
        self.over = Accounted()  # actions that are over, whatever the cloud shows of them

    def on_volume(self, volume_id: str) -> Running | None:
        """Return what is under way on the volume."""
        return self._of_volume.get(volume_id)

    def on_server(self, place: Place) -> Running | None:
        """Return what keeps the place's server from taking another action."""
        return self._of_server.get(self.taken_by(place))

    def note(self, place: Place, action: Pending | None, *, found: bool = False) -> Running | None:
        """Take note of an action that was just started, or ``found`` under way; None if all was done at once."""
        if action is None:
            return None
        log.info(
            "action_found" if found else "action_begins",
            volume_id=place.volume_id,
            server_id=place.server_id,
            kind=action.kind.value,
            action_id=action.id,
        )
        running = Running(place, action, asyncio.get_running_loop().time())
        self._of_volume[place.volume_id] = running
        server_id = self.taken_by(place)
        if server_id is not None:
            self._of_server[server_id] = running
        return running

    def taken_by(self, place: Place) -> str | None:
        """Return the server that takes no other action meanwhile, if the cloud is like that."""
        return place.server_id if self._one_each else None

    async def judged(self, running: Running, *, asks: bool) -> Progress | None:
        """Judge an action that was waited for without a result by what it is about; None if it may still go on.

        On a server that is gone nothing is under way. An action much older than its kind takes is believed to be over
        once the volume shows what it was to do; of a growth the volume itself is asked by whoever wants it. An old one
        whose server is not known, and may be gone, holds back no one who ``asks`` the cloud.
        """
        if running.action.id not in self.doubted:
            return None
        try:
            if running.place.server_id is not None:
                await self._cloud.get_server(running.place.server_id)
            if asyncio.get_running_loop().time() - running.since < OVERDUE_SECONDS:
                return None
            volume = await read_volume(self._cloud, self._cache, running.place.volume_id)
        except Gone as gone:
            return Progress(running.action, ActionState.ERRORED, error=gone.message)
        if not running.is_shown_by(volume):
            unknown = asks and running.place.server_id is None
            return Progress(running.action, ActionState.FORGOTTEN) if unknown else None
        log.warning("action_overdue", volume_id=volume.id, action_id=running.action.id, kind=running.action.kind.value)
        return Progress(running.action, ActionState.COMPLETED)

    def demand_shown(self, last: Progress, volume: Volume) -> None:
        """Raise Unavailable if the volume does not show what its last move has done: it will, or something undid it.

        After a minute the latter is believed, as no list of actions tells everything.
        """
        if last.state is not ActionState.COMPLETED or is_shown(last.action, volume):
            return
        now = asyncio.get_running_loop().time()
        since = self._unshown.get(last.action.id, now)
        keep(self._unshown, last.action.id, since, REMEMBERED_MOVES)
        if now - since < OVERDUE_SECONDS:
            raise errors.Unavailable(
                f"{last.action.kind.value} {last.action.id} of volume {volume.id} is done, but the volume does not show"
                " it yet",
                error_code=Code.NOT_SHOWN_YET,
            )
        log.warning("action_not_shown", volume_id=volume.id, action_id=last.action.id, kind=last.action.kind.value)

    def end(self, running: Running) -> None:
        """Take note that an action is not under way any more."""
        self.doubted.discard(running.action.id)
        if self._of_volume.get(running.place.volume_id) is running:
            del self._of_volume[running.place.volume_id]
        if self._of_server.get(running.place.server_id) is running:
            del self._of_server[running.place.server_id]
