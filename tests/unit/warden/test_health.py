"""The health of volumes on a small cluster: shown on the claim, told once, gone after two full lists without it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.unit.warden.cluster import DRIVER, NOON, Cluster, Warden
from warden.api import CLAIMS, EVENTS, VOLUMES
from warden.events import Reason, Recorder
from warden.health import ClaimHealth, HealthParts, HealthPolicy
from warden.records import HealthCondition, Reference
from warden.rules import health
from warden.rules.objects import at, text

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

EVERY = 60.0
OFF = HealthCondition("Inaccessible", "ServerNotActive", "volume handle-v1 is on node 101, which is not active")
TWICE = HealthCondition("Degraded", "AttachedTwice", "volume handle-v1 is on nodes 101, 102")
OFF_EVENT = (Reason.VOLUME_INACCESSIBLE.value, "PersistentVolumeClaim", "claim-v1")
LOST_EVENT = (Reason.VOLUME_DATA_LOSS.value, "PersistentVolumeClaim", "claim-v2")
WELL_EVENT = (Reason.VOLUME_RECOVERED.value, "PersistentVolumeClaim", "claim-v1")


@dataclass
class FakeHealth:
    """What the controller tells."""

    ill: dict[str, tuple[HealthCondition, ...]] = field(default_factory=dict)
    listed: set[str] = field(default_factory=lambda: {"handle-v1", "handle-v2"})
    unknown: set[str] = field(default_factory=set)
    whole: bool = True  # whether lists have an end
    all_known: bool = True
    asked: list[str] = field(default_factory=list)

    async def ailing(self) -> Mapping[str, tuple[HealthCondition, ...]] | None:
        return dict(self.ill) if self.whole else None

    async def unlisted(self, handles: Iterable[str]) -> frozenset[str] | None:
        return frozenset(handles) - self.listed if self.all_known else None

    async def is_gone(self, handle: str) -> bool:
        self.asked.append(handle)
        return handle in self.unknown

    def lose(self, *handles: str) -> None:
        """Let somebody delete volumes in the cloud."""
        self.listed -= {*handles}
        self.unknown |= {*handles}


@dataclass
class Watched:
    """A cluster of two volumes with their claims, and what the controller tells of them."""

    cluster: Cluster
    told: FakeHealth
    warden: Warden

    def shown(self, claim: str = "claim-v1") -> list[HealthCondition]:
        return [*health.shown(self.cluster.api.of(CLAIMS)[f"apps/{claim}"])]

    def since(self) -> object:
        return at(self.cluster.api.of(CLAIMS)["apps/claim-v1"], "status", "healthStatus", "lastTransitionTime")

    def counts(self) -> dict[str, object]:
        return {text(one, "reason"): at(one, "count") for one in self.cluster.api.of(EVENTS).values()}

    def applied(self) -> int:
        return self.cluster.api.calls.count("apply persistentvolumeclaims")

    def unhealthy(self) -> dict[tuple[str, str], float]:
        (family,) = self.warden.metrics.unhealthy.collect()
        return {(one.labels["status"], one.labels["reason"]): one.value for one in family.samples}

    def start(self, *, conditions: bool = True) -> None:
        recorder = Recorder(self.cluster.api, "w1", self.warden.metrics, lambda: NOON)
        parts = HealthParts(self.warden.view, self.cluster.api, self.told, self.warden.lease, recorder, lambda: NOON)
        work = ClaimHealth(HealthPolicy(DRIVER, EVERY, conditions), parts, self.warden.metrics)
        self.warden.tasks.background(work.run(), "health")


def filled() -> Cluster:
    cluster = Cluster()
    cluster.fill(2)
    for volume in ("v1", "v2"):
        cluster.api.change(VOLUMES, volume, [{"op": "add", "path": "/status/phase", "value": "Bound"}])
        metadata = {"namespace": "apps", "name": f"claim-{volume}", "uid": f"uid-claim-{volume}"}
        cluster.api.put(CLAIMS, {"metadata": metadata, "status": {"phase": "Bound"}})
    return cluster


@asynccontextmanager
async def watched(*, conditions: bool = True, cluster: Cluster | None = None) -> AsyncIterator[Watched]:
    found = cluster or filled()
    made = Watched(found, FakeHealth(), found.warden())
    await made.warden.start()
    made.start(conditions=conditions)
    await asyncio.sleep(10)
    yield made
    await made.warden.stop()


async def test_what_is_wrong_is_shown_on_the_claim_told_once_and_gone_after_two_lists_without_it() -> None:
    async with watched() as each:
        each.told.ill = {"handle-v1": (OFF, TWICE), "of-another-cluster": (OFF,)}
        await asyncio.sleep(5 * EVERY)
        assert each.shown() == [TWICE, OFF]
        assert each.since() == "2026-11-28T12:00:00Z"
        assert each.counts() == {Reason.VOLUME_INACCESSIBLE.value: 1, Reason.VOLUME_DEGRADED.value: 1}
        assert OFF_EVENT in each.cluster.events()
        assert each.unhealthy() == {("Degraded", "AttachedTwice"): 1, ("Inaccessible", "ServerNotActive"): 1}
        assert (each.applied(), each.told.asked) == (1, [])
        each.told.ill = {"handle-v1": (TWICE,)}
        await asyncio.sleep(EVERY)
        assert each.shown() == [TWICE, OFF]
        await asyncio.sleep(EVERY)
        assert each.shown() == [TWICE]
        each.told.ill = {}
        await asyncio.sleep(2 * EVERY)
        assert (each.shown(), each.since(), each.unhealthy()) == ([], None, {})
        assert each.counts() == {
            Reason.VOLUME_INACCESSIBLE.value: 1,
            Reason.VOLUME_DEGRADED.value: 1,
            Reason.VOLUME_RECOVERED.value: 1,
        }
        assert WELL_EVENT in each.cluster.events()


async def test_a_volume_that_is_lost_is_found_also_after_many_that_are_only_not_listed() -> None:
    cluster = filled()
    for number in range(12):
        cluster.attach(f"far{number}", "n1")
        cluster.api.change(VOLUMES, f"far{number}", [{"op": "add", "path": "/status/phase", "value": "Bound"}])
    async with watched(cluster=cluster) as each:
        each.told.lose("handle-v2")
        await asyncio.sleep(3 * EVERY)
        assert LOST_EVENT in each.cluster.events()
        assert max(map(each.told.asked.count, each.told.asked)) <= 2, "in turn"


async def test_what_the_warden_of_another_driver_has_written_stays() -> None:
    cluster = filled()
    theirs = health.applied(Reference("v1", "PersistentVolumeClaim", "apps", "claim-v1", "uid-claim-v1"), [OFF], "then")
    await cluster.api.apply_status(CLAIMS, theirs, health.manager("other.example.com"))
    async with watched(cluster=cluster) as each:
        await asyncio.sleep(5 * EVERY)
        assert (each.shown(), each.cluster.events()) == ([OFF], [])


@pytest.mark.parametrize("is_judged", [True, False])
async def test_an_entry_that_is_missing_but_not_in_two_full_lists_in_a_row_has_not_gone(is_judged: bool) -> None:
    async with watched() as each:
        for number in range(8):
            each.told.ill = {} if number % 2 else {"handle-v1": (OFF,)}
            each.told.all_known = is_judged or number == 0 or not each.told.ill
            await asyncio.sleep(EVERY)
        assert each.shown() == [OFF]
        assert (each.counts(), each.applied()) == ({Reason.VOLUME_INACCESSIBLE.value: 1}, 1)


async def test_a_list_that_is_not_whole_says_nothing() -> None:
    async with watched() as each:
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(EVERY)
        each.told.ill, each.told.whole = {}, False
        await asyncio.sleep(5 * EVERY)
        assert each.shown() == [OFF]


async def test_a_volume_that_is_neither_listed_nor_known_is_lost_and_its_claim_says_so_until_it_is_back() -> None:
    async with watched() as each:
        each.told.lose("handle-v2")
        await asyncio.sleep(4 * EVERY)
        (found,) = each.shown("claim-v2")
        assert (found.status, found.reason) == ("DataLoss", "VolumeGone")
        assert "the cloud has no volume handle-v2" in found.message
        assert each.cluster.events() == [LOST_EVENT]
        assert each.told.asked == ["handle-v2"]
        each.told.all_known = False
        await asyncio.sleep(4 * EVERY)
        assert len(each.shown("claim-v2")) == 1
        each.told.all_known, each.told.listed = True, {"handle-v1", "handle-v2"}
        await asyncio.sleep(2 * EVERY)
        assert each.shown("claim-v2") == []


async def test_a_volume_that_is_not_listed_and_is_known_is_not_lost() -> None:
    async with watched() as each:
        each.told.listed.clear()
        await asyncio.sleep(2 * EVERY)
        assert (each.shown(), each.shown("claim-v2"), each.told.asked[:2]) == ([], [], ["handle-v1", "handle-v2"])


async def test_a_volume_without_a_claim_is_nobody_s_to_show() -> None:
    async with watched() as each:
        each.cluster.api.change(VOLUMES, "v1", [{"op": "add", "path": "/status/phase", "value": "Released"}])
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(2 * EVERY)
        assert (each.shown(), each.cluster.events()) == ([], [])


@pytest.mark.parametrize("refuses", ["", ".status.healthStatus: field not declared in schema"])
async def test_without_the_feature_gate_events_tell_of_it_alone(refuses: str) -> None:
    async with watched() as each:
        each.cluster.api.volume_health, each.cluster.api.refuses_health = False, refuses
        each.told.ill = {"handle-v1": (OFF,)}
        each.told.lose("handle-v2")
        await asyncio.sleep(5 * EVERY)
        assert (each.shown(), each.applied()) == ([], 1)
        assert sorted(each.cluster.events()) == sorted([OFF_EVENT, LOST_EVENT])
        each.told.ill = {}
        await asyncio.sleep(3 * EVERY)
        assert WELL_EVENT in each.cluster.events()


async def test_conditions_are_not_written_where_that_is_not_wanted() -> None:
    async with watched(conditions=False) as each:
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(2 * EVERY)
        assert (each.applied(), each.cluster.events()) == (0, [OFF_EVENT])


async def test_what_is_said_may_change_and_since_when_it_is_so_stays() -> None:
    async with watched() as each:
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(EVERY)
        other = HealthCondition(OFF.status, OFF.reason, "x" * 2000)
        each.told.ill = {"handle-v1": (other,)}
        await asyncio.sleep(2 * EVERY)
        assert each.shown() == [HealthCondition(OFF.status, OFF.reason, f"{'x' * 1021}…")]
        assert (each.applied(), len(each.cluster.events())) == (2, 1)


@pytest.mark.parametrize("is_repaired", [True, False])
async def test_the_next_warden_takes_over_what_is_shown_and_takes_it_away_in_the_end(is_repaired: bool) -> None:
    async with watched() as each:
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(2 * EVERY)
    async with watched(cluster=each.cluster) as after:
        after.told.ill = {} if is_repaired else {"handle-v1": (OFF,)}
        await asyncio.sleep(4 * EVERY)
        assert after.shown() == ([] if is_repaired else [OFF])
        assert after.counts()[Reason.VOLUME_INACCESSIBLE.value] == 1
        assert (WELL_EVENT in after.cluster.events()) is is_repaired


async def test_without_the_lease_nothing_is_told_and_with_it_again_nothing_twice() -> None:
    async with watched() as each:
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(2 * EVERY)
        each.cluster.api.refused |= {"get leases"}
        await asyncio.sleep(EVERY)
        each.told.lose("handle-v2")
        await asyncio.sleep(2 * EVERY)
        assert (each.unhealthy(), each.cluster.events()) == ({}, [OFF_EVENT])
        each.cluster.api.refused = {"list persistentvolumeclaims"}
        await asyncio.sleep(2 * EVERY)
        assert each.cluster.events() == [OFF_EVENT]
        each.cluster.api.refused.clear()
        await asyncio.sleep(3 * EVERY)
        assert sorted(each.cluster.events()) == sorted([OFF_EVENT, LOST_EVENT])
        assert each.counts() == {Reason.VOLUME_INACCESSIBLE.value: 1, Reason.VOLUME_DATA_LOSS.value: 1}


async def test_what_cannot_be_written_is_tried_again() -> None:
    async with watched() as each:
        each.cluster.api.refused |= {"apply persistentvolumeclaims", "create events"}
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(3 * EVERY)
        assert (each.shown(), each.cluster.events()) == ([], [])
        each.cluster.api.refused.clear()
        await asyncio.sleep(EVERY)
        assert (each.shown(), each.counts()) == ([OFF], {Reason.VOLUME_INACCESSIBLE.value: 1})


async def test_what_was_written_though_no_one_answered_is_taken_away_again() -> None:
    async with watched() as each:
        each.cluster.api.unheard = True
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(2 * EVERY)
        assert each.shown() == [OFF]
        each.told.ill, each.cluster.api.refused = {}, {"apply persistentvolumeclaims"}
        await asyncio.sleep(3 * EVERY)
        each.cluster.api.refused, each.cluster.api.unheard = set(), False
        await asyncio.sleep(EVERY)
        assert each.shown() == []


async def test_a_claim_that_is_deleted_meanwhile_is_left_alone() -> None:
    async with watched() as each:
        each.told.ill = {"handle-v1": (OFF,)}
        await asyncio.sleep(2 * EVERY)
        each.cluster.api.remove(CLAIMS, "apps/claim-v1")
        each.cluster.api.remove(VOLUMES, "v1")
        await asyncio.sleep(5 * EVERY)
        assert each.applied() == 2
