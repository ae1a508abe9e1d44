"""The second cloud of the contract tests, simulated: what differs is said in ``tests.fakes.other_cloud``.

Its package is the cloud here: no HTTP, no retries, and an error in place of each answer that did not come. All hosts
are in one of its zones.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from common import errors, sizes
from controller.cloud import cloud_errors, records
from controller.cloud.records import ActionState, Kind, Page, Pending, Place, Progress
from controller.records import BLANK
from tests.fakes import other_cloud
from tests.fakes.cloud import FAILURE
from tests.faults.cloud.records import REGION, Action, Droplet, Volume
from tests.faults.cloud.state import CloudState, Refused, Surroundings
from tests.faults.sim.injector import REQUEST_KINDS, Injector
from tests.faults.sim.loop import sleep
from tests.faults.sim.trace import Trace

Item = TypeVar("Item")

FACTS = replace(other_cloud.FACTS, zone_key="region")  # as the simulated nodes tell theirs
TRAITS = other_cloud.TRAITS
CLUSTER = "cluster=simulated"
PAGE = 50
UNANSWERED = frozenset({"lost after", "taken unseen", "error after", "foreign answer"})
"""Carried out, and the caller does not learn."""
REFUSED = frozenset({"error before", "refused", "too soon"})
MEANINGS: tuple[tuple[int, str, type[errors.DriverError]], ...] = (
    (404, "", cloud_errors.Gone),
    (409, "already exists", cloud_errors.NameTaken),
    (409, "", cloud_errors.InUse),
    (422, "already attached", cloud_errors.AlreadyAttached),
    (422, "not found", cloud_errors.NotAttached),
    (422, "pending event", cloud_errors.EventPending),
    (422, "", errors.FailedPrecondition),
)


class World(Surroundings, Protocol):
    """What the second cloud asks of the world."""

    trace: Trace
    injector: Injector

    def draw(self, low: float, high: float) -> float: ...
    def listed(self) -> list[Volume]: ...  # what a list shows: it may lag behind
    def closed(self) -> None: ...  # the cloud has said that the account is over its limit


class OtherState(CloudState):
    """The account. Ids are small integers, to make a volume takes an action, a server takes several at once."""

    one_action_per_droplet = False

    def make(self, name: str, size_gib: int, description: str, tags: list[str], snapshot_id: str) -> Volume:
        """Begin to make a volume; ``event`` is what makes it."""
        volume = super().make(name, size_gib, description, tags, snapshot_id)
        self._begin("create", volume, None)
        return volume

    def release(self, volume_id: str) -> Action:
        """Begin to detach a volume from whoever holds it."""
        return self.detach(volume_id, self.volume(volume_id).droplet_id or -1)

    def _take_effect(self, action: Action, volume: Volume, size_gib: int) -> None:
        if action.kind != "create":
            super()._take_effect(action, volume, size_gib)

    def _new_id(self) -> str:
        return str(106_963_401 + len(self.actions))


class OtherCloud:
    """See base.Cloud."""

    traits = TRAITS
    page_size = PAGE
    snapshots = None

    def __init__(self, world: World, state: OtherState) -> None:
        self._world = world
        self._state = state

    async def create_volume(self, order: records.VolumeOrder) -> tuple[records.Volume, Pending | None]:
        def make() -> tuple[records.Volume, Pending | None]:
            made = self._state.make(order.name, order.size_gib, "", list(order.labels), "")
            return _volume(made), None if made.event is None else _pending(made.event)

        return await self._ask("POST /volumes", make)

    async def delete_volume(self, volume_id: str) -> None:
        await self._ask("DELETE /volumes", lambda: self._state.delete(volume_id))

    async def get_volume(self, volume_id: str) -> records.Volume:
        return await self._ask("GET", lambda: _volume(self._state.volume(volume_id)))

    async def find_volume(self, name: str, zone: str) -> records.Volume | None:
        del zone  # a name is taken in all of them
        found = await self._ask("GET", lambda: [_volume(each) for each in self._world.listed() if each.name == name])
        return next(iter(found), None)

    async def list_volumes(self, zone: str | None, page: int) -> Page[records.Volume]:
        def read() -> list[records.Volume]:
            return [_volume(each) for each in self._world.listed() if zone in {None, each.region}]

        return _page(await self._ask("GET", read), page)

    async def attach(self, place: Place, labels: Sequence[str]) -> Pending:
        def attach() -> Action:
            return self._state.attach(place.volume_id, int(place.server_id or 0), list(labels))

        return _pending(await self._ask("attach", attach))

    async def detach(self, place: Place) -> Pending:
        """Read who holds the volume, then take it off whoever that is."""
        await self.get_server(place.server_id or "0")
        if place.server_id not in (await self.get_volume(place.volume_id)).server_ids:
            raise cloud_errors.NotAttached("the volume is on another server, or on none")
        return _pending(await self._ask("detach", lambda: self._state.release(place.volume_id)))

    async def resize(self, place: Place, size_gib: int) -> Pending:
        return _pending(await self._ask("resize", lambda: self._state.resize(place.volume_id, size_gib)))

    async def progress(self, due: Sequence[Pending], others: Sequence[Pending] = ()) -> list[Progress]:
        wanted = [*due, *others][: max(len(due), other_cloud.IDS_AT_ONCE)]
        return await self._ask("GET", lambda: [self._told(each) for each in wanted])

    async def recent(self, volume_id: str) -> tuple[Progress, ...]:
        def read() -> tuple[Progress, ...]:
            self._state.volume(volume_id)
            return tuple(_progress(each) for each in reversed(self._state.actions) if each.volume_id == volume_id)

        return await self._ask("GET", read)

    async def blocking(self, place: Place) -> Pending | None:
        return next((each.action for each in await self.recent(place.volume_id) if not each.ended), None)

    async def changes(self, since: str) -> None:
        del since

    async def get_server(self, server_id: str) -> records.Server:
        return await self._ask("GET", lambda: self._server(self._state.droplet(int(server_id))))

    async def list_servers(self, page: int) -> Page[records.Server]:
        return _page(await self._ask("GET", lambda: [*map(self._server, self._state.droplets.values())]), page)

    async def account(self) -> records.Account:
        return await self._ask("GET", lambda: records.Account(self._state.volume_limit))

    async def zone_has_volumes(self, zone: str) -> bool:
        return await self._ask("GET", lambda: zone == REGION)

    async def add_label(self, volume_id: str, label: str) -> None:
        await self._ask("POST", lambda: self._state.volume(volume_id).tags.append(label))

    async def remove_label(self, volume_id: str, label: str) -> None:
        await self._ask("DELETE", lambda: self._state.volume(volume_id).tags.remove(label))

    def _told(self, action: Pending) -> Progress:
        found = next((each for each in self._state.actions if str(each.id) == action.id), None)
        return Progress(action, ActionState.FORGOTTEN) if found is None else _progress(found)

    def _server(self, droplet: Droplet) -> records.Server:
        held = tuple(each.id for each in self._state.volumes.values() if each.droplet_id == droplet.id)
        return records.Server(str(droplet.id), REGION, droplet.active, held)

    async def _ask(self, subject: str, work: Callable[[], Item]) -> Item:
        """Send a request, which arrives though its sender dies."""
        reply: asyncio.Future[Item] = asyncio.get_running_loop().create_future()
        self._world.begin(self._carry(subject, work, reply))
        return await reply

    def _carry(
        self, subject: str, work: Callable[[], Item], reply: asyncio.Future[Item]
    ) -> Coroutine[object, object, None]:
        world = self._world

        async def carry() -> None:
            world.trace.count("requests")
            fault = world.injector.take(REQUEST_KINDS, subject, world.now())
            kind = "" if fault is None else fault.kind
            await sleep(world.draw(0.01, 0.15))
            answer: Item | errors.DriverError
            if kind == "lost before" or world.injector.storm("no connection", world.now()):
                answer = errors.OutcomeUnknown("no connection")
            elif kind in REFUSED or self._storms():
                answer = errors.Unavailable("the cloud answered 503")
            else:
                answer = _carried_out(work)
            world.trace.note("cloud", f"{subject} -> {answer} {kind}")
            await sleep(world.draw(0.01, 0.15) + (fault.amount if fault is not None and kind == "slow reply" else 0.0))
            if kind in UNANSWERED:
                answer = errors.OutcomeUnknown("no answer")
            if not reply.done():
                _set(reply, answer)

        return carry()

    def _storms(self) -> bool:
        world = self._world
        storm = world.injector.storm("throttle storm", world.now()) or world.injector.storm("error storm", world.now())
        return storm is not None and world.draw(0, 1) < 0.6


def _carried_out(work: Callable[[], Item]) -> Item | errors.DriverError:
    try:
        return work()
    except Refused as refused:
        text = refused.text
        return next(kind for status, words, kind in MEANINGS if refused.status == status and words in text)(text)


def _set(reply: "asyncio.Future[Item]", answer: Item | errors.DriverError) -> None:
    if isinstance(answer, errors.DriverError):
        reply.set_exception(answer)
        reply.exception()  # retrieved, though nobody may wait any more
    else:
        reply.set_result(answer)


def _volume(volume: Volume) -> records.Volume:
    held = (str(volume.droplet_id),) if volume.droplet_id else ()
    ready = volume.event is None or volume.event.kind != "create"
    size_bytes = sizes.to_bytes(volume.size_gib)
    labels = tuple(volume.tags)
    return records.Volume(
        volume.id, volume.name, volume.region, size_bytes, held, labels, BLANK, int(volume.created), ready
    )


def _pending(action: Action) -> Pending:
    server_id = str(action.droplet_id) if action.droplet_id else None
    return Pending(str(action.id), Kind(action.kind), action.volume_id, server_id)


def _progress(action: Action) -> Progress:
    state = ActionState(action.status)
    return Progress(_pending(action), state, int(action.started), error=FAILURE if state is ActionState.ERRORED else "")


def _page(items: Sequence[Item], number: int) -> Page[Item]:
    first = (number - 1) * PAGE
    return Page(tuple(items[first : first + PAGE]), len(items), len(items) > first + PAGE)
