"""A cloud in memory, in virtual time. It allows all that the real one does not forbid, and fails on demand.

It refuses in the same order and with the same classes as the driver's view of the real API; the contract tests hold
both to that. A restore begins as large as its snapshot, whatever was asked for.
"""

import asyncio
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from common import errors, sizes
from common.clouds import CLOUDS, DEFAULT
from common.clouds.facts import CloudFacts
from controller.cloud import base, cloud_errors, records
from controller.cloud.records import ActionState, Kind, Pending, Progress
from controller.cloud.traits import Traits
from controller.digitalocean.action_list import ActionList
from controller.digitalocean.limits import TRAITS
from controller.records import Source

Item = TypeVar("Item")
ZONE = "nyc1"
SERVERS = ("101", "102")
FAILURE = "Power off the server first (user_action_required)"
ANSWER_SECONDS = 30.0  # after so long nobody waits for an answer any more


class Fault(Enum):
    """What befalls a request."""

    NOTHING = "nothing"
    LOST_REPLY = "lost reply"  # it takes effect, but its caller never learns
    NO_EFFECT = "no effect"  # a 5xx before anything was done
    HANG = "hang"  # it takes effect; that no answer comes is known half a minute later


@dataclass(frozen=True)
class Effect:
    """A change that took place."""

    kind: str
    volume_id: str
    server_id: str = ""


@dataclass
class Event:
    """An action with what it will do."""

    progress: Progress
    volume_id: str
    server_id: str
    size_gib: int
    ends_at: float
    fails: bool = False


class FakeCloud:
    """See base.Cloud. ``faults`` befall the next requests, one each; ``requests`` lists what was asked."""

    facts: CloudFacts = CLOUDS[DEFAULT]
    traits: Traits = TRAITS
    zone = ZONE
    page_size = 200

    def __init__(self, servers: Sequence[str] = SERVERS, action_seconds: float = 1.5, latency: float = 0.08) -> None:
        self.volumes: dict[str, records.Volume] = {}
        self.taken: dict[str, records.Snapshot] = {}
        self.servers = {each: records.Server(each, self.zone, active=True, volume_ids=()) for each in servers}
        self.actions: dict[str, Event] = {}
        self.requests: list[str] = []
        self.effects: list[Effect] = []
        self.faults: deque[Fault] = deque()
        self.action_seconds = action_seconds
        self.latency = latency
        self.next_action_fails = False
        self.actions_are_listed = True
        self.list_is_odd = False
        self.volume_limit = 0
        self.server_limit = 15
        self.stale_for = 0.0  # lists of volumes show what was, that many seconds ago
        self.snapshot_interval = 0.0
        self._list = ActionList(self)
        self._past: deque[tuple[float, dict[str, records.Volume]]] = deque()
        self._foreign: dict[str, float] = {}

    # What the test does to the cloud, behind the driver's back.

    def count(self) -> Counter[str]:
        """How often what was asked."""
        return Counter(self.requests)

    def make_volume(
        self, name: str, size_gib: int = 1, server_id: str = "", origin: Source | None = None
    ) -> records.Volume:
        volume = records.Volume(self._new_id(), name, self.zone, sizes.to_bytes(size_gib), origin=origin)
        self._put(replace(volume, server_ids=(server_id,) if server_id else ()))
        return self.volumes[volume.id]

    def move(self, volume_id: str, server_ids: tuple[str, ...]) -> None:
        """Attach or detach out of band, at once; the account's actions tell that something happened."""
        self._put(replace(self.volumes[volume_id], server_ids=server_ids))
        kind = Kind.ATTACH if server_ids else Kind.DETACH
        action = Pending(str(len(self.actions) + 1), kind, volume_id)
        done = Progress(action, ActionState.COMPLETED, self._now())
        self.actions[action.id] = Event(done, volume_id, "", 0, self._now())

    def occupy(self, server_id: str, seconds: float) -> None:
        """Let the server have an event that no list shows."""
        self._foreign[server_id] = self._now() + seconds

    def holders(self, volume_id: str) -> tuple[str, ...]:
        self._settle()
        return self.volumes[volume_id].server_ids

    # What the driver asks.

    @property
    def snapshots(self) -> base.SnapshotCloud | None:
        return self

    async def create_volume(self, order: records.VolumeOrder) -> tuple[records.Volume, Pending | None]:
        fault = await self._arrive("create_volume")
        if order.snapshot_id is not None and order.snapshot_id not in self.taken:
            raise cloud_errors.Gone(f"no snapshot {order.snapshot_id}")
        if self._same_name(order.name, order.zone, self.volumes.values()):
            raise cloud_errors.NameTaken(order.name)
        if self.volume_limit and len(self.volumes) >= self.volume_limit:
            raise cloud_errors.AccountFull("volume/snapshot capacity limit exceeded")
        size = sizes.to_bytes(order.size_gib)
        if order.snapshot_id is not None:
            size = self.taken[order.snapshot_id].min_size_bytes
        volume = records.Volume(
            self._new_id(), order.name, order.zone, size, (), order.labels, order.origin, self._now()
        )
        return await self._answer(fault, self._begin(volume))

    async def delete_volume(self, volume_id: str) -> Pending | None:
        fault = await self._arrive("delete_volume")
        volume = self._volume(volume_id)
        if volume.server_ids:
            raise cloud_errors.InUse("Can not delete volume that is attached to a server.")
        if self._busy(volume_id, ""):
            raise cloud_errors.EventPending("Volume has a pending event.")
        self._remember()
        del self.volumes[volume_id]
        self.effects.append(Effect("delete", volume_id))
        return await self._answer(fault, None)

    async def get_volume(self, volume_id: str) -> records.Volume:
        return await self._answer(await self._arrive("get_volume"), self._volume(volume_id))

    async def find_volume(self, name: str, zone: str) -> records.Volume | None:
        fault = await self._arrive("find_volume")
        return await self._answer(fault, self._same_name(name, zone, self._listed().values()))

    async def list_volumes(self, zone: str | None, page: int) -> records.Page[records.Volume]:
        fault = await self._arrive("list_volumes")
        return await self._answer(
            fault, self._page([v for v in self._listed().values() if zone in {None, v.zone}], page)
        )

    async def attach(self, place: records.Place, labels: Sequence[str]) -> Pending | None:
        fault = await self._arrive("attach")
        volume = self._volume(place.volume_id)
        if place.server_id not in self.servers:
            raise cloud_errors.Gone(f"no server {place.server_id}")
        if volume.server_ids:
            raise cloud_errors.AlreadyAttached("This volume is already attached")
        if volume.zone != self.servers[place.server_id].zone:
            raise errors.FailedPrecondition("The volume and the Droplet must be in the same zone")
        self._check_idle(place.volume_id, place.server_id)
        held = [each for each in self.volumes.values() if place.server_id in each.server_ids]
        if len(held) >= self.server_limit:
            raise cloud_errors.ServerFull("cannot attach more volumes to the Droplet")
        self._put(replace(volume, labels=tuple(dict.fromkeys((*volume.labels, *labels)))))
        return await self._answer(fault, self._promise(Kind.ATTACH, place.volume_id, place.server_id))

    async def detach(self, place: records.Place) -> Pending | None:
        fault = await self._arrive("detach")
        volume = self._volume(place.volume_id)
        if place.server_id not in self.servers:
            raise cloud_errors.Gone(f"no server {place.server_id}")
        self._check_idle(place.volume_id, place.server_id)
        if place.server_id not in volume.server_ids:
            raise cloud_errors.NotAttached("Attachment not found")
        return await self._answer(fault, self._promise(Kind.DETACH, place.volume_id, place.server_id))

    async def resize(self, place: records.Place, size_gib: int) -> Pending | None:
        fault = await self._arrive("resize")
        volume = self._volume(place.volume_id)
        if sizes.to_bytes(size_gib) <= volume.size_bytes:
            raise errors.FailedPrecondition("New size must be greater than the current size of the volume")
        self._check_idle(place.volume_id, next(iter(volume.server_ids), ""))
        return await self._answer(fault, self._promise(Kind.RESIZE, place.volume_id, "", size_gib))

    async def progress(self, due: Sequence[Pending], others: Sequence[Pending] = ()) -> list[Progress]:
        return await self._list.progress(due, others)

    async def recent(self, volume_id: str) -> tuple[Progress, ...]:
        return (await self.volume_actions(volume_id)).items

    async def blocking(self, place: records.Place) -> Pending | None:
        return await self._list.blocking(place)

    async def changes(self, since: str) -> records.Changes | None:
        return await self._list.changes(since)

    async def get_action(self, volume_id: str, action_id: str) -> Progress:
        fault = await self._arrive("get_action")
        if volume_id:
            self._volume(volume_id)
        if action_id not in self.actions or volume_id not in {"", self.actions[action_id].volume_id}:
            raise cloud_errors.Gone(f"no action {action_id}")
        return await self._answer(fault, _told(self.actions[action_id]))

    async def volume_actions(self, volume_id: str) -> records.Page[Progress]:
        fault = await self._arrive("volume_actions")
        self._volume(volume_id)
        found = [_told(each) for each in reversed(self.actions.values()) if each.volume_id == volume_id]
        return await self._answer(fault, records.Page(tuple(found), len(found)))

    async def account_actions(self, page: int) -> records.Page[Progress]:
        fault = await self._arrive("account_actions")
        if self.list_is_odd:
            raise errors.OutcomeUnknown("the cloud's answer does not fit")
        listed = [_told(each) for each in reversed(self.actions.values())] if self.actions_are_listed else []
        return await self._answer(fault, self._page(listed, page))

    async def create_snapshot(self, volume_id: str, name: str, labels: Sequence[str]) -> records.Snapshot:
        fault = await self._arrive("create_snapshot")
        volume = self._volume(volume_id)
        same = [each for each in self.taken.values() if each.volume_id == volume_id]
        if any(self._now() - each.created_at < self.snapshot_interval for each in same):
            raise cloud_errors.SnapshotLimit("a volume can have one snapshot every 10 minutes")
        if any(each.name == name for each in self.taken.values()):
            raise cloud_errors.NameTaken(name)
        snapshot = records.Snapshot(
            self._new_id(), name, volume_id, volume.size_bytes, (volume.zone,), self._now(), tuple(labels)
        )
        self.taken[snapshot.id] = snapshot
        self.effects.append(Effect("snapshot", volume_id))
        return await self._answer(fault, snapshot)

    async def delete_snapshot(self, snapshot_id: str) -> None:
        fault = await self._arrive("delete_snapshot")
        if snapshot_id not in self.taken:
            raise cloud_errors.Gone(f"no snapshot {snapshot_id}")
        del self.taken[snapshot_id]
        await self._answer(fault, None)

    async def get_snapshot(self, snapshot_id: str) -> records.Snapshot:
        fault = await self._arrive("get_snapshot")
        if snapshot_id not in self.taken:
            raise cloud_errors.Gone(f"no snapshot {snapshot_id}")
        return await self._answer(fault, self.taken[snapshot_id])

    async def volume_snapshots(self, volume_id: str) -> tuple[records.Snapshot, ...]:
        fault = await self._arrive("volume_snapshots")
        self._volume(volume_id)
        found = tuple(each for each in self.taken.values() if each.volume_id == volume_id)
        return await self._answer(fault, found)

    async def list_snapshots(self, page: int) -> records.Page[records.Snapshot]:
        fault = await self._arrive("list_snapshots")
        return await self._answer(fault, self._page(list(self.taken.values()), page))

    async def get_server(self, server_id: str) -> records.Server:
        fault = await self._arrive("get_server")
        if server_id not in self.servers:
            raise cloud_errors.Gone(f"no server {server_id}")
        return await self._answer(fault, self._server(server_id))

    async def list_servers(self, page: int) -> records.Page[records.Server]:
        fault = await self._arrive("list_servers")
        return await self._answer(fault, self._page([self._server(each) for each in self.servers], page))

    async def account(self) -> records.Account:
        return await self._answer(await self._arrive("account"), records.Account(self.volume_limit))

    async def zone_has_volumes(self, zone: str) -> bool:
        return await self._answer(await self._arrive("regions"), zone in self._zones())

    async def add_label(self, volume_id: str, label: str) -> None:
        fault = await self._arrive("add_label")
        volume = self._volume(volume_id)
        self._put(replace(volume, labels=tuple(dict.fromkeys((*volume.labels, label)))))
        await self._answer(fault, None)

    async def remove_label(self, volume_id: str, label: str) -> None:
        fault = await self._arrive("remove_label")
        volume = self._volume(volume_id)
        self._put(replace(volume, labels=tuple(each for each in volume.labels if each != label)))
        await self._answer(fault, None)

    # How it works.

    def _begin(self, volume: records.Volume) -> tuple[records.Volume, Pending | None]:
        """Make the volume, at once."""
        self._put(volume)
        self.effects.append(Effect("create", volume.id))
        return volume, None

    def _zones(self) -> tuple[str, ...]:
        return (self.zone,)

    def _new_id(self) -> str:
        return str(uuid.uuid4())

    def _same_name(self, name: str, zone: str, volumes: Iterable[records.Volume]) -> records.Volume | None:
        """The volume that keeps another one in that zone from having that name."""
        return next((each for each in volumes if each.name == name and each.zone == zone), None)

    async def _arrive(self, request: str) -> Fault:
        """A request is under way, then there; the cloud's actions have come as far as time has."""
        self.requests.append(request)
        fault = self.faults.popleft() if self.faults else Fault.NOTHING
        await asyncio.sleep(self.latency)
        if fault is Fault.NO_EFFECT:
            raise errors.OutcomeUnknown(f"{request}: the cloud answered 500")
        self._settle()
        return fault

    async def _answer(self, fault: Fault, answer: Item) -> Item:
        if fault is Fault.HANG:
            await asyncio.sleep(ANSWER_SECONDS)
        if fault is not Fault.NOTHING:
            raise errors.OutcomeUnknown("no answer")
        return answer

    def _promise(self, kind: Kind, volume_id: str, server_id: str, size_gib: int = 0) -> Pending | None:
        started_at = float(int(self._now()))  # the API's time stamps are whole seconds
        action = Pending(str(len(self.actions) + 1), kind, volume_id, server_id or None)
        progress = Progress(action, ActionState.IN_PROGRESS, started_at)
        ends_at = self._now() + self.action_seconds
        fails, self.next_action_fails = self.next_action_fails, False
        self.actions[action.id] = Event(progress, volume_id, server_id, size_gib, ends_at, fails)
        self._settle()
        return None if self.actions[action.id].progress.ended else action

    def _settle(self) -> None:
        """Carry out the actions whose time has come."""
        now = self._now()
        for event in self.actions.values():
            if event.progress.ended or event.ends_at > now:
                continue
            state = ActionState.ERRORED if event.fails else ActionState.COMPLETED
            error = FAILURE if event.fails else ""
            event.progress = replace(event.progress, state=state, ended_at=float(int(event.ends_at)), error=error)
            if not event.fails:
                self._carry_out(event)

    def _carry_out(self, event: Event) -> None:
        volume = self.volumes[event.volume_id]
        kind = event.progress.action.kind
        if kind is Kind.RESIZE:
            self._put(replace(volume, size_bytes=sizes.to_bytes(event.size_gib)))
            return
        self._put(replace(volume, server_ids=(event.server_id,) if kind is Kind.ATTACH else ()))
        self.effects.append(Effect(kind.value, volume.id, event.server_id))

    def _check_idle(self, volume_id: str, server_id: str) -> None:
        if self._busy(volume_id, server_id) or self._foreign.get(server_id, 0.0) > self._now():
            raise cloud_errors.EventPending("Droplet already has a pending event.")

    def _busy(self, volume_id: str, server_id: str) -> bool:
        return any(
            not each.progress.ended and (each.volume_id == volume_id or (server_id and each.server_id == server_id))
            for each in self.actions.values()
        )

    def _volume(self, volume_id: str) -> records.Volume:
        if volume_id not in self.volumes:
            raise cloud_errors.Gone(f"no volume {volume_id}")
        return self.volumes[volume_id]

    def _server(self, server_id: str) -> records.Server:
        held = tuple(each.id for each in self.volumes.values() if server_id in each.server_ids)
        return replace(self.servers[server_id], volume_ids=held)

    def _put(self, volume: records.Volume) -> None:
        self._remember()
        self.volumes[volume.id] = volume

    def _remember(self) -> None:
        if self.stale_for:
            self._past.append((self._now(), dict(self.volumes)))

    def _listed(self) -> dict[str, records.Volume]:
        """The volumes as a list shows them: as they were ``stale_for`` seconds ago."""
        since = self._now() - self.stale_for
        return next((then for when, then in self._past if when > since), self.volumes)

    def _page(self, items: Sequence[Item], number: int) -> records.Page[Item]:
        first = (number - 1) * self.page_size
        return records.Page(
            tuple(items[first : first + self.page_size]), len(items), len(items) > first + self.page_size
        )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _told(event: Event) -> Progress:
    """The action as the API tells it: without the server."""
    return replace(event.progress, action=replace(event.progress.action, server_id=None))
