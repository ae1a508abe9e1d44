"""The simulated cloud itself: what it holds, how its actions go on, and what it refuses.

Facts: docs of DigitalOcean Volumes. One event at a time on a droplet and on a volume; an attached volume is not
deleted; names are unique. When ``droplet_ids`` follow an action (during it, at its end, or after it) is drawn.
"""

import random
from collections.abc import Coroutine
from typing import Protocol

from tests.fakes.host.disks import GIB, Disk
from tests.faults.cloud.records import Action, Droplet, Snapshot, Volume
from tests.faults.sim.loop import sleep
from tests.faults.sim.trace import Trace


class Refused(Exception):
    """The API's answer to what it does not do: HTTP status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Surroundings(Protocol):
    """What the cloud asks of the rest of the world."""

    trace: Trace
    chance: random.Random

    def now(self) -> float: ...  # virtual seconds
    def plug(self, droplet_id: int, volume: Volume) -> None: ...  # the disk appears on the host
    def unplug(self, droplet_id: int, volume_id: str) -> None: ...  # and goes
    def resized(self, droplet_id: int, volume_id: str) -> None: ...
    def deleted(self, volume: Volume) -> None: ...  # a volume has just been deleted by the API
    def detached(self, volume: Volume, droplet_id: int) -> None: ...  # a detach was accepted
    def action_fate(self, kind: str) -> tuple[float, str]: ...  # seconds, and how the next action ends
    def begin(self, work: Coroutine[object, object, None]) -> None: ...  # run a coroutine that belongs to no process


class CloudState:
    """The account."""

    one_action_per_droplet = True

    def __init__(self, around: Surroundings, droplets: int) -> None:
        self._around = around
        self.volumes: dict[str, Volume] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.actions: list[Action] = []
        self.tags: set[str] = set()
        self.destroyed: dict[int, float] = {}  # droplets that are gone, and since when
        self.volume_limit = 100
        self.droplets = {100 + number: Droplet(100 + number) for number in range(1, droplets + 1)}
        self._ids = random.Random(around.chance.random())  # noqa: S311  # replays

    def make(self, name: str, size_gib: int, description: str, tags: list[str], snapshot_id: str) -> Volume:
        """Make a volume."""
        if any(each.name == name for each in self.volumes.values()):
            raise Refused(409, f"a volume named {name} already exists in this region")
        disk = Disk(size_gib * GIB)
        if snapshot_id:
            source = self._snapshot(snapshot_id)
            size_gib = source.size_gib
            disk = source.disk.copy(size_gib * GIB)
        volume = Volume(self._new_id(), name, size_gib, disk, description, self._around.now(), self._spelled(tags))
        self.volumes[volume.id] = volume
        return volume

    def delete(self, volume_id: str) -> None:
        """Delete a volume."""
        volume = self.volume(volume_id)
        if volume.droplet_id:
            raise Refused(409, "the volume is attached")
        if volume.event is not None:
            raise Refused(422, "Volume has a pending event.")
        del self.volumes[volume_id]
        self._around.deleted(volume)

    def volume(self, volume_id: str) -> Volume:
        """Return a volume."""
        if volume_id not in self.volumes:
            raise Refused(404, "The resource you were accessing could not be found.")
        return self.volumes[volume_id]

    def droplet(self, droplet_id: int) -> Droplet:
        """Return a droplet."""
        if droplet_id not in self.droplets:
            raise Refused(404, "The resource you were accessing could not be found.")
        return self.droplets[droplet_id]

    def attach(self, volume_id: str, droplet_id: int, tags: list[str]) -> Action:
        """Begin to attach."""
        volume, droplet = self.volume(volume_id), self.droplet(droplet_id)
        if volume.event is not None:
            raise Refused(422, "Volume has a pending event.")
        if volume.droplet_id:
            raise Refused(422, "This volume is already attached")
        if droplet.event is not None:
            raise Refused(422, "Droplet already has a pending event.")
        volume.tags = list(dict.fromkeys((*volume.tags, *self._spelled(tags))))
        return self._begin("attach", volume, droplet)

    def detach(self, volume_id: str, droplet_id: int, *, by_driver: bool = True) -> Action:
        """Begin to detach."""
        volume = self.volume(volume_id)
        if volume.droplet_id != droplet_id:
            raise Refused(422, "Attachment not found")
        droplet = self.droplet(droplet_id)
        if volume.event is not None or droplet.event is not None:
            raise Refused(422, "Droplet already has a pending event.")
        if by_driver:
            self._around.detached(volume, droplet_id)
        return self._begin("detach", volume, droplet)

    def take_off(self, volume: Volume) -> None:
        """Detach a volume at once, as others do who have seen that nobody uses it."""
        self._note("detach", volume.id, volume.droplet_id).status = "completed"
        self._around.unplug(volume.droplet_id, volume.id)
        volume.droplet_id = 0

    def resize(self, volume_id: str, size_gib: int) -> Action:
        """Begin to grow."""
        volume = self.volume(volume_id)
        droplet = self.droplets.get(volume.droplet_id)
        if volume.event is not None or (droplet is not None and droplet.event is not None):
            raise Refused(422, "Volume has a pending event.")
        if size_gib <= volume.size_gib:
            raise Refused(422, "the new size must be larger than the current size")
        return self._begin("resize", volume, droplet, size_gib)

    def take(self, volume_id: str, name: str, tags: list[str]) -> Snapshot:
        """Take a snapshot."""
        volume = self.volume(volume_id)
        if any(each.name == name for each in self.snapshots.values()):
            raise Refused(409, f"a snapshot named {name} already exists")
        snapshot = Snapshot(
            *(self._new_id(), name, volume_id, volume.size_gib),
            volume.disk.copy(volume.disk.size_bytes),
            self._around.now(),
            self._spelled(tags),
        )
        self.snapshots[snapshot.id] = snapshot
        return snapshot

    def drop(self, snapshot_id: str) -> None:
        """Delete a snapshot."""
        self._snapshot(snapshot_id)
        del self.snapshots[snapshot_id]

    def destroy(self, droplet_id: int) -> None:
        """Destroy a droplet, which detaches its volumes. Whether its action ends is not known of the real cloud."""
        droplet = self.droplets.pop(droplet_id)
        self.destroyed[droplet_id] = self._around.now()
        self._note("destroy", "", droplet_id).status = "completed"
        if droplet.event is not None and self._around.chance.random() < 0.3:
            droplet.event.status = "errored"
        for volume in self.volumes.values():
            if volume.event is not None and volume.event.droplet_id == droplet_id:
                volume.event = None
            if volume.droplet_id == droplet_id:
                volume.droplet_id = 0

    def foreign_event(self, droplet_id: int, seconds: float) -> None:
        """Let somebody else do something to a droplet."""
        droplet = self.droplets.get(droplet_id)
        if droplet is None or droplet.event is not None:
            return
        action = self._note("snapshot", "", droplet_id)
        droplet.event = action

        async def end() -> None:
            await sleep(seconds)
            action.status, droplet.event = "completed", None

        self._around.begin(end())

    def _begin(self, kind: str, volume: Volume, droplet: Droplet | None, size_gib: int = 0) -> Action:
        action = self._note(kind, volume.id, droplet.id if droplet is not None else 0)
        volume.event = action
        occupied = droplet if self.one_action_per_droplet else None
        if occupied is not None:
            occupied.event = action
        self._around.begin(self._go_on(action, volume, occupied, size_gib))
        return action

    async def _go_on(self, action: Action, volume: Volume, droplet: Droplet | None, size_gib: int) -> None:
        seconds, fate = self._around.action_fate(action.kind)
        at = seconds * self._around.chance.choice((0.3, 0.9, 1.0))
        await sleep(at)
        stuck = action.droplet_id and action.droplet_id not in self.droplets
        if action.status == "in-progress" and fate != "errored" and not stuck:
            self._take_effect(action, volume, size_gib)
        await sleep(seconds - at)
        if action.status == "in-progress" and not stuck:
            action.status = fate
        self._around.trace.note("cloud", f"{action.kind} {action.id} of {volume.name} {action.status}")
        if volume.event is action:
            volume.event = None
        if droplet is not None and droplet.event is action:
            droplet.event = None

    def _take_effect(self, action: Action, volume: Volume, size_gib: int) -> None:
        if action.kind == "attach":
            volume.droplet_id = action.droplet_id
            self._around.plug(action.droplet_id, volume)
        elif action.kind == "detach":
            volume.droplet_id = 0
            self._around.unplug(action.droplet_id, volume.id)
        else:
            volume.size_gib = size_gib
            volume.disk.size_bytes = size_gib * GIB
            self._around.resized(volume.droplet_id, volume.id)

    def _note(self, kind: str, volume_id: str, droplet_id: int) -> Action:
        action = Action(1000 + len(self.actions), kind, volume_id, droplet_id, self._around.now())
        self.actions.append(action)
        return action

    def _snapshot(self, snapshot_id: str) -> Snapshot:
        if snapshot_id not in self.snapshots:
            raise Refused(404, "The resource you were accessing could not be found.")
        return self.snapshots[snapshot_id]

    def spelled(self, tag: str) -> str:
        """Return the tag as the cloud spells it: as it was first."""
        known = next((each for each in self.tags if each.lower() == tag.lower()), tag)
        self.tags.add(known)
        return known

    def _spelled(self, tags: list[str]) -> list[str]:
        return [self.spelled(each) for each in tags]

    def _new_id(self) -> str:
        text = f"{self._ids.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
