"""Drift on a small cluster: told once, counted while it lasts, and never by a list that is not whole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from common.drift_records import CloudSnapshot, CloudVolume, DriftKind
from tests.unit.warden.cluster import DRIVER, NOON, Cluster, Warden
from warden.api import ATTACHMENTS, CLAIMS, CONTENTS, EVENTS, VOLUMES
from warden.drift import DriftParts, DriftPolicy, DriftReport
from warden.events import Reason, Recorder
from warden.rules.objects import at
from warden.rules.volumes_page import KnownVolumes

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

GIB = 1 << 30
EVERY = 60.0
LONG_AGO = "2026-01-01T00:00:00Z"
HANDLED = {"driver": DRIVER, "source": {"snapshotHandle": "s1"}}
CONTENT = {"metadata": {"name": "c1", "creationTimestamp": LONG_AGO}, "spec": HANDLED}


@dataclass
class FakeCloud:
    """The cloud's volumes and snapshots, as the controller knows them."""

    volumes: dict[str, CloudVolume] = field(default_factory=dict)
    taken: list[CloudSnapshot] | None = field(default_factory=list)
    age: float | None = 30.0  # None: nobody knows
    frozen: bool = False  # the list is not read anew

    async def known(self, longest_age: float) -> KnownVolumes | None:
        if self.age is None or self.age > longest_age:
            return None
        age = asyncio.get_running_loop().time() if self.frozen else self.age
        return KnownVolumes(tuple(self.volumes.values()), age)

    async def snapshots(self) -> list[CloudSnapshot] | None:
        return self.taken

    def has(self, number: int, **changes: object) -> None:
        made = CloudVolume(f"handle-v{number}", f"pvc-{number}", "nyc1", GIB, (f"10{number}",), ("ours",), 0.0)
        self.volumes[made.id] = replace(made, **changes)  # type: ignore[arg-type]  # of each field's kind


@dataclass
class Compared:
    """A cluster of two volumes, and the cloud that has them."""

    cluster: Cluster
    cloud: FakeCloud
    warden: Warden

    def drift(self) -> dict[str, float]:
        """Return what the metric counts, but for zeros."""
        (family,) = self.warden.metrics.drift.collect()
        return {sample.labels["kind"]: sample.value for sample in family.samples if sample.value}

    def events(self) -> list[tuple[str, str, str]]:
        return self.cluster.events()

    def counts(self) -> list[object]:
        return [at(one, "count") for one in self.cluster.api.of(EVENTS).values()]


@asynccontextmanager
async def compared(
    tags: frozenset[str] = frozenset({"ours"}), lead: float = 1.0, every: float = EVERY
) -> AsyncIterator[Compared]:
    cluster, cloud = Cluster(), FakeCloud()
    cluster.fill(2)
    cloud.has(1)
    cloud.has(2)
    warden = cluster.warden()
    made = Compared(cluster, cloud, warden)
    recorder = Recorder(cluster.api, "w1", warden.metrics, lambda: NOON)
    parts = DriftParts(warden.view, cluster.api, cloud, cloud, warden.lease, recorder, lambda: NOON)
    report = DriftReport(DriftPolicy(DRIVER, every, 30, tags), parts, warden.metrics)
    await warden.start()
    warden.tasks.background(report.run(), "drift")
    await asyncio.sleep(lead)
    yield made
    await warden.stop()


def unowned(each: Compared) -> None:
    each.cloud.has(3, node_ids=())


def gone(each: Compared) -> None:
    del each.cloud.volumes["handle-v2"]


def content(each: Compared) -> None:
    each.cluster.api.put(CONTENTS, CONTENT)


def snapshot(each: Compared) -> None:
    each.cloud.taken = [CloudSnapshot("s1", "handle-v1", GIB, 1.0)]


def held(each: Compared) -> None:
    each.cloud.has(1, node_ids=("101", "102"))


def lost(each: Compared) -> None:
    each.cloud.has(1, node_ids=())


def released(each: Compared) -> None:
    each.cluster.api.change(VOLUMES, "v2", [{"op": "add", "path": "/status/phase", "value": "Released"}])


def unused(each: Compared) -> None:
    condition = {"type": "Unused", "status": "True", "lastTransitionTime": LONG_AGO}
    metadata, spec = {"namespace": "apps", "name": "claim-v2"}, {"volumeName": "v2"}
    each.cluster.api.put(CLAIMS, {"metadata": metadata, "spec": spec, "status": {"conditions": [condition]}})


def grown(each: Compared) -> None:
    each.cloud.has(2, size_bytes=2 * GIB)


def many(each: Compared) -> None:
    each.cloud.taken = [CloudSnapshot(f"s{number}", "handle-v1", GIB, NOON.timestamp()) for number in range(23)]


MADE = {
    DriftKind.VOLUME_WITHOUT_PV: (unowned, Reason.VOLUME_WITHOUT_PV, "CSIDriver", DRIVER),
    DriftKind.PV_WITHOUT_VOLUME: (gone, Reason.PV_WITHOUT_VOLUME, "PersistentVolume", "v2"),
    DriftKind.CONTENT_WITHOUT_SNAPSHOT: (content, Reason.CONTENT_WITHOUT_SNAPSHOT, "VolumeSnapshotContent", "c1"),
    DriftKind.SNAPSHOT_WITHOUT_CONTENT: (snapshot, Reason.SNAPSHOT_WITHOUT_CONTENT, "PersistentVolume", "v1"),
    DriftKind.ATTACHED_UNKNOWN: (held, Reason.ATTACHED_UNKNOWN, "PersistentVolume", "v1"),
    DriftKind.ATTACHED_MISSING: (lost, Reason.ATTACHED_MISSING, "PersistentVolume", "v1"),
    DriftKind.RELEASED_PV: (released, Reason.RELEASED_PV, "PersistentVolume", "v2"),
    DriftKind.CLAIM_UNUSED: (unused, Reason.CLAIM_UNUSED, "PersistentVolumeClaim", "claim-v2"),
    DriftKind.SIZE_DIFFERS: (grown, Reason.SIZE_DIFFERS, "PersistentVolume", "v2"),
    DriftKind.SNAPSHOTS_NEAR_LIMIT: (many, Reason.SNAPSHOTS_NEAR_LIMIT, "PersistentVolume", "v1"),
}


@pytest.mark.parametrize("kind", DriftKind)
async def test_each_kind_is_told_once_by_metric_and_event_after_two_rounds_and_goes_when_it_is_repaired(
    kind: DriftKind,
) -> None:
    make, reason, about, name = MADE[kind]
    async with compared() as each:
        repaired = dict(each.cloud.volumes)
        volume, attachment = each.cluster.api.of(VOLUMES)["v2"], each.cluster.api.of(ATTACHMENTS)["va-v2"]
        make(each)
        await asyncio.sleep(EVERY + 10)
        assert (each.drift(), each.events()) == ({}, [])
        await asyncio.sleep(5 * EVERY)
        assert each.drift() == {kind.value: 1}
        assert (each.events(), each.counts()) == ([(reason.value, about, name)], [1])
        each.cloud.volumes, each.cloud.taken = repaired, []
        for resource, name in ((CONTENTS, "c1"), (CLAIMS, "apps/claim-v2")):
            if name in each.cluster.api.of(resource):
                each.cluster.api.remove(resource, name)
        each.cluster.api.put(VOLUMES, {**volume, "status": {"phase": "Bound"}})
        each.cluster.api.put(ATTACHMENTS, attachment)
        await asyncio.sleep(EVERY)
        assert each.drift() == {kind.value: 1}
        await asyncio.sleep(EVERY)
        assert each.drift() == {}


async def test_a_volume_that_another_driver_s_object_names_is_not_left_over_nor_one_while_that_is_not_known() -> None:
    async with compared() as each:
        theirs = {"driver": "other.example.com", "volumeHandle": "handle-v3"}
        each.cluster.api.put(VOLUMES, {"metadata": {"name": "theirs"}, "spec": {"csi": theirs}})
        unowned(each)
        await asyncio.sleep(3 * EVERY)
        assert (each.drift(), each.events()) == ({}, [])
        each.cluster.api.refused |= {"list persistentvolumes"}
        each.cluster.api.remove(VOLUMES, "theirs")
        await asyncio.sleep(3 * EVERY)
        assert (each.drift(), each.events()) == ({}, [])


async def test_what_the_controller_itself_has_just_changed_is_told_only_if_it_lasts() -> None:
    async with compared(every=15) as each:
        each.cloud.age = 10.0
        unowned(each)
        await asyncio.sleep(50)
        assert each.events() == []
        await asyncio.sleep(15)
        assert len(each.events()) == 1


@pytest.mark.parametrize("why", ["nobody knows", "too old", "not read anew"])
async def test_without_a_whole_list_that_is_new_nothing_is_concluded_either_way(why: str) -> None:
    async with compared() as each:
        grown(each)
        await asyncio.sleep(2 * EVERY + 10)
        assert each.drift() == {DriftKind.SIZE_DIFFERS.value: 1}
        each.cloud.volumes = {}
        each.cloud.age = {"nobody knows": None, "too old": EVERY + 1}.get(why, 30.0)
        each.cloud.frozen = why == "not read anew"
        await asyncio.sleep(5 * EVERY)
        assert each.drift() == {DriftKind.SIZE_DIFFERS.value: 1}
        assert len(each.events()) == 1


async def test_a_kind_that_cannot_be_judged_has_no_sample() -> None:
    async with compared(tags=frozenset()) as each:
        each.cloud.taken = None
        each.cluster.api.refused |= {"list persistentvolumeclaims"}
        await asyncio.sleep(EVERY + 10)
        (family,) = each.warden.metrics.drift.collect()
        unjudged = {kind for kind in DriftKind if kind not in {sample.labels["kind"] for sample in family.samples}}
        of_snapshots = {kind for kind in DriftKind if "snapshot" in kind}
        assert unjudged == {DriftKind.VOLUME_WITHOUT_PV, DriftKind.CLAIM_UNUSED, *of_snapshots}


async def test_a_warden_that_does_not_lead_tells_nothing_and_one_that_takes_over_does_not_repeat_an_event() -> None:
    async with compared() as each:
        grown(each)
        await asyncio.sleep(2 * EVERY + 10)
        each.cluster.api.refused |= {"get leases"}
        await asyncio.sleep(EVERY)
        assert each.drift() == {}
        each.cluster.api.refused.clear()
        await asyncio.sleep(3 * EVERY + 20)
        assert each.drift() == {DriftKind.SIZE_DIFFERS.value: 1}
        assert each.counts() == [1]


async def test_what_comes_back_is_told_again() -> None:
    async with compared() as each:
        as_it_was = dict(each.cloud.volumes)
        for _ in range(2):
            grown(each)
            await asyncio.sleep(3 * EVERY)
            each.cloud.volumes = dict(as_it_was)
            await asyncio.sleep(3 * EVERY)
        assert each.counts() == [2]


async def test_an_object_that_cannot_be_read_is_told_of_later() -> None:
    async with compared() as each:
        content(each)
        each.cluster.api.refused.add("get volumesnapshotcontents")
        await asyncio.sleep(3 * EVERY)
        assert (len(each.drift()), each.events()) == (1, [])
        each.cluster.api.refused.clear()
        await asyncio.sleep(EVERY)
        assert len(each.events()) == 1
