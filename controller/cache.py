"""What is known of volumes, so that nothing is asked twice: names and sizes never change unseen, attachments may.

A name and a zone hold for a volume's life, and a size only grows, so attach needs no look at the volume. Who holds
a volume is a hint: the cloud's answer decides. Kept in the process alone; a restart costs one read per volume.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from controller.cloud.records import Kind, Snapshot, Volume

Key = TypeVar("Key")
Value = TypeVar("Value")

REMEMBERED_ACTIONS = 2000
REMEMBERED_DELETIONS = 2000
REMEMBERED_MOVES = 2000
FRESH_DELETION_SECONDS = 60.0  # later, the cloud is asked again


@dataclass(frozen=True, slots=True)
class Move:
    """An attach or a detach of ours that was seen to end well, at loop time ``seen``."""

    action_id: str
    kind: Kind
    server_id: str
    seen: float


class Accounted:
    """The ids of actions whose effect is known already."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, action_id: str) -> bool:
        return action_id in self._ids

    def add(self, action_ids: Iterable[str]) -> None:
        """Their effect is known from now on."""
        for action_id in action_ids:
            keep(self._ids, action_id, None, REMEMBERED_ACTIONS)


class VolumeCache:
    """Volumes and snapshots as they were last seen. Times are loop time."""

    def __init__(self) -> None:
        self._volumes: dict[str, Volume] = {}
        self._changed: dict[str, float] = {}  # when we changed a volume
        self._moves: OrderedDict[str, Move] = OrderedDict()
        self._deleted: OrderedDict[str, float] = OrderedDict()
        self._snapshots: dict[str, Snapshot] = {}
        self._order: list[tuple[float, str]] | None = None
        self.accounted = Accounted()

    def __len__(self) -> int:
        return len(self._volumes)

    def __iter__(self) -> Iterator[Volume]:
        return iter(list(self._volumes.values()))

    def get(self, volume_id: str) -> Volume | None:
        """Return the volume as it was last seen."""
        return self._volumes.get(volume_id)

    def name_of(self, volume_id: str) -> str:
        """Return the name of a volume, empty if it was not seen."""
        volume = self._volumes.get(volume_id)
        return volume.name if volume else ""

    def order(self) -> list[tuple[float, str]]:
        """Return creation time and id of every volume, oldest first."""
        if self._order is None:
            self._order = sorted((volume.created_at, volume.id) for volume in self._volumes.values())
        return self._order

    def see(self, volume: Volume) -> Volume:
        """Remember a volume as the cloud has just told it; return it."""
        if volume.id not in self._volumes:
            self._order = None
        self._volumes[volume.id] = volume
        return volume

    def make(self, volume: Volume) -> Volume:
        """Remember a volume that we have just made; return it."""
        self._touch(volume.id)
        return self.see(volume)

    def forget(self, volume_id: str) -> None:
        """The volume is gone."""
        self._changed.pop(volume_id, None)
        self._moves.pop(volume_id, None)
        if self._volumes.pop(volume_id, None) is not None:
            self._order = None

    def deleted(self, volume_id: str) -> None:
        """The cloud has just deleted the volume, as we asked. Its id is never used again."""
        self.forget(volume_id)
        keep(self._deleted, volume_id, asyncio.get_running_loop().time(), REMEMBERED_DELETIONS)

    def has_deleted(self, volume_id: str) -> bool:
        """Say whether the cloud has told this process a moment ago that the volume is deleted."""
        told = self._deleted.get(volume_id, float("-inf"))
        return asyncio.get_running_loop().time() - told < FRESH_DELETION_SECONDS

    def hold(self, volume_id: str, server_ids: tuple[str, ...]) -> None:
        """Those servers, and no others, hold the volume now."""
        if (volume := self._volumes.get(volume_id)) and volume.server_ids != server_ids:
            self._volumes[volume_id] = replace(volume, server_ids=server_ids)

    def moved(self, volume_id: str, server_ids: tuple[str, ...]) -> None:
        """An action of ours has ended: those servers hold the volume now."""
        if volume_id in self._volumes:
            self._touch(volume_id)
            self.hold(volume_id, server_ids)

    def note_move(self, volume_id: str, action_id: str, kind: Kind, server_id: str) -> None:
        """An attach or a detach of ours was seen to end well, just now."""
        move = Move(action_id, kind, server_id, asyncio.get_running_loop().time())
        keep(self._moves, volume_id, move, REMEMBERED_MOVES)

    def moving(self, volume_id: str) -> None:
        """An attach or a detach is about to be asked for: from now on, only the cloud knows."""
        self._moves.pop(volume_id, None)

    def last_move(self, volume_id: str) -> Move | None:
        """Return our last move of the volume. Another process may have moved it since: it has to be the newest."""
        return self._moves.get(volume_id)

    def grow(self, volume_id: str, size_bytes: int) -> None:
        """The volume has that size now."""
        if volume := self._volumes.get(volume_id):
            self._touch(volume_id)
            self._volumes[volume_id] = replace(volume, size_bytes=size_bytes)

    def changed_since(self, volume_id: str, moment: float) -> bool:
        """Say whether we changed the volume after ``moment``: then a list may not show it yet."""
        return self._changed.get(volume_id, float("-inf")) > moment

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """Return the snapshot as it was last seen; a snapshot never changes."""
        return self._snapshots.get(snapshot_id)

    def snapshot_named(self, name: str) -> Snapshot | None:
        """Return the snapshot of that name, if one was seen."""
        return next((each for each in self._snapshots.values() if each.name == name), None)

    def see_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Remember a snapshot; return it."""
        self._snapshots[snapshot.id] = snapshot
        return snapshot

    def forget_snapshot(self, snapshot_id: str) -> None:
        """The snapshot is gone."""
        self._snapshots.pop(snapshot_id, None)

    def _touch(self, volume_id: str) -> None:
        self._changed[volume_id] = asyncio.get_running_loop().time()


def keep(kept: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Keep a value under its key; the oldest go when there are more than ``most``."""
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)
