"""A second cloud in memory, which differs from DigitalOcean wherever clouds do. A cloud of the tests, not a product.

Its ids are small integers. One cluster spans several zones, and a name is taken in all of them. To make a volume takes
an action. A detach names no server: it takes the volume off whoever holds it, so the package reads that first. It has
no snapshots and no list of all actions; it tells several actions by their ids in one request. A server takes several
actions at once. Labels are key=value. The smallest volume has 10 GiB. Its quota of requests refills.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from common.clouds.facts import CloudFacts
from controller.cloud import cloud_errors, records
from controller.cloud.records import ActionState, Kind, Pending, Place, Progress
from controller.cloud.traits import Quota, Sizes, TextRule, Traits
from tests.fakes.cloud import Event, FakeCloud

ZONES = ("alpha-1", "beta-1", "gamma-1")
IDS_AT_ONCE = 25
FACTS = CloudFacts(
    server_id=".+",
    zone_key="example.test/zone",
    snapshots=False,
    firmware_vendor="",
    metadata_root="http://169.254.42.42/",
    metadata_id_path="v2/meta-data/instance-id",
    metadata_zone_path="v2/meta-data/availability-zone",
    api_root="https://api.example.test/",
)
TRAITS = Traits(
    sizes=Sizes(smallest=10, largest=10240, default=10),
    names=TextRule("A-Za-z0-9", "A-Za-z0-9._-", 64, "letters, digits, '.', '_' and '-', at most 64"),
    labels=TextRule("a-z", "a-z0-9=._/-", 127, "key=value, lower case, at most 127"),
    several_zones=True,
    quota=Quota.REFILL,
    one_action_per_server=False,
    detach_names_server=False,
)


class OtherCloud(FakeCloud):
    """See base.Cloud, and FakeCloud for what befalls requests."""

    facts = FACTS
    traits = TRAITS
    zone = ZONES[0]
    page_size = 50

    @property
    def snapshots(self) -> None:
        return None

    async def attach(self, place: Place, labels: Sequence[str]) -> Pending | None:
        if place.volume_id in self.volumes and not self.volumes[place.volume_id].ready:
            await self._answer(await self._arrive("attach"), None)
            raise cloud_errors.EventPending("the volume is being created (locked)")
        return await super().attach(place, labels)

    async def detach(self, place: Place) -> Pending | None:
        """Read who holds the volume, then take it off whoever that is: the request can name nobody."""
        if place.server_id not in self.servers:
            raise cloud_errors.Gone(f"no server {place.server_id}")
        holders = (await self.get_volume(place.volume_id)).server_ids
        if place.server_id not in holders:
            raise cloud_errors.NotAttached(f"the volume is on {', '.join(holders) or 'no server'}")
        fault = await self._arrive("detach")
        volume = self._volume(place.volume_id)
        self._check_idle(place.volume_id, place.server_id)
        if not volume.server_ids:
            raise cloud_errors.NotAttached("the volume is on no server")
        return await self._answer(fault, self._promise(Kind.DETACH, place.volume_id, volume.server_ids[0]))

    async def progress(self, due: Sequence[Pending], others: Sequence[Pending] = ()) -> list[Progress]:
        """Up to 25 actions by their ids in one request."""
        wanted = [*due, *others][: max(len(due), IDS_AT_ONCE)]
        found: list[Progress] = []
        for first in range(0, len(wanted), IDS_AT_ONCE):
            fault = await self._arrive("get_action")
            some = [self._told(each) for each in wanted[first : first + IDS_AT_ONCE]]
            found += await self._answer(fault, some)
        return found

    async def blocking(self, place: Place) -> Pending | None:
        """The volume's own actions tell: a server takes several at once."""
        return next((each.action for each in await self.recent(place.volume_id) if not each.ended), None)

    async def changes(self, since: str) -> None:
        """Nothing tells what has changed in the whole account."""
        del since

    def _told(self, action: Pending) -> Progress:
        event = self.actions.get(action.id)
        return Progress(action, ActionState.FORGOTTEN) if event is None else event.progress

    def _begin(self, volume: records.Volume) -> tuple[records.Volume, Pending | None]:
        """Begin to make the volume; it is not ready before the action has ended."""
        super()._begin(replace(volume, ready=False))
        fails, self.next_action_fails = self.next_action_fails, False  # of the three others alone
        action = self._promise(Kind.CREATE, volume.id, "")
        self.next_action_fails = fails
        return self.volumes[volume.id], action

    def _carry_out(self, event: Event) -> None:
        if event.progress.action.kind is Kind.CREATE:
            self._put(replace(self.volumes[event.volume_id], ready=True))
        else:
            super()._carry_out(event)

    def _zones(self) -> tuple[str, ...]:
        return ZONES

    def _new_id(self) -> str:
        self._made = getattr(self, "_made", 106_963_400) + 1
        return str(self._made)

    def _same_name(self, name: str, zone: str, volumes: Iterable[records.Volume]) -> records.Volume | None:
        """A name is taken in all zones."""
        del zone
        return next((each for each in volumes if each.name == name), None)

    def _busy(self, volume_id: str, server_id: str) -> bool:
        """A server takes several actions at once, a volume does not."""
        del server_id
        return super()._busy(volume_id, "")
