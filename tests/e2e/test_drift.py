"""Cluster and cloud are made to differ by hand: each difference is told once, and has gone after the repair.

One of the ten kinds is missing: what is detached beside Kubernetes the attacher attaches again within seconds here.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Event, PersistentVolume, PersistentVolumeClaim
from lightkube.resources.storage_v1 import StorageClass

from tests.e2e import manifests
from tests.e2e.actions import ask_when_free
from tests.e2e.cluster.driver import NAMESPACE, TAG
from tests.e2e.cluster.workspace import KUBERNETES, Workspace
from tests.e2e.parts import leader
from tests.e2e.place import Place, VolumeSnapshot, until_gone
from tools.processes.run import ToolFailed
from tools.services.embedded_cloud import EmbeddedCloud, Json, objects

LEASE = f"aiocsi-warden-{manifests.DRIVER}"
PORT = 9815  # the warden's
SHOWN_SECONDS = 180.0  # four comparisons, and one more for what was young
LOOK_AGAIN_SECONDS = 1.0
CLAIMS = ("gone", "larger", "attached", "pictured")
SNAPSHOTS = 23  # of one volume: near the limit

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.asyncio,
    pytest.mark.alone,
    pytest.mark.skipif(KUBERNETES < "v1.37", reason=f"unused claims are told from 1.37, not by {KUBERNETES}"),
]

WANTED = {
    "volume-without-pv": 1,
    "pv-without-volume": 1,
    "size-differs": 1,
    "attached-unknown": 1,
    "released-pv": 1,
    "claim-unused": len(CLAIMS),
    "content-without-snapshot": 1,
    "snapshot-without-content": SNAPSHOTS,
    "snapshots-near-limit": 1,
}
REASONS = Counter(
    VolumeWithoutPV=1,
    PVWithoutVolume=1,
    SizeDiffers=1,
    AttachedUnknown=1,
    ReleasedPV=1,
    ClaimUnused=len(CLAIMS),
    ContentWithoutSnapshot=1,
    SnapshotWithoutContent=SNAPSHOTS,
    SnapshotsNearLimit=1,
)


async def test_each_difference_is_told_once_and_has_gone_after_the_repair(
    place: Place, client: AsyncClient, workspace: Workspace, embedded_cloud: EmbeddedCloud
) -> None:
    await until_counted(client, workspace, {})
    before = {uid async for uid, _, _ in events(client)}
    classes = [f"{place.namespace}-{policy}" for policy in ("delete", "retain")]
    for name, policy in zip(classes, ("Delete", "Retain"), strict=True):
        await place.make(manifests.storage_class(name, volumeBindingMode="Immediate", reclaimPolicy=policy))
    try:
        by_hand = ByHand(place, workspace, embedded_cloud)
        await by_hand.differ(*classes)
        await until_counted(client, workspace, WANTED)
        await by_hand.mend()
        await until_counted(client, workspace, {})
        told = Counter(dict.fromkeys(REASONS, 0))
        async for uid, reason, count in events(client):
            if uid not in before and reason in told:
                told[reason] += count
        assert told == REASONS
    finally:
        for name in classes:
            await client.delete(StorageClass, name)


@dataclass
class ByHand:
    """Somebody with a shell of the cluster, and the cloud's panel."""

    place: Place
    workspace: Workspace
    cloud: EmbeddedCloud
    ids: dict[str, str] = field(default_factory=dict)  # of volumes by claim, and of one that is in the cloud alone
    snapshots: list[str] = field(default_factory=list)  # that are in the cloud alone
    kept: str = ""  # the name of a PersistentVolume

    async def differ(self, storage_class: str, retained: str) -> None:
        """Let cluster and cloud differ in each way of WANTED."""
        for name in (*CLAIMS, "kept"):
            made = manifests.claim(name, storage_class=retained if name == "kept" else storage_class)
            await self.place.make(made)
            await self.place.bound(name)
            self.ids[name] = await self.place.volume_id(name)
        await self.place.make(manifests.snapshot("taken", "pictured"))
        await self.place.snapshot_ready("taken")
        self.kept = await self.place.volume_name("kept")
        await self.place.remove(PersistentVolumeClaim, "kept")
        await self.ask("DELETE", f"/v2/volumes/{self.ids['gone']}")
        await self.act("larger", {"type": "resize", "size_gigabytes": 2})
        await self.act("attached", {"type": "attach", "droplet_id": self.cloud.droplets[1].id})
        [taken] = objects(await self.cloud.get(f"/v2/volumes/{self.ids['pictured']}/snapshots"), "snapshots")
        await self.ask("DELETE", f"/v2/snapshots/{taken['id']}")
        for number in range(SNAPSHOTS):
            path, called = f"/v2/volumes/{self.ids['pictured']}/snapshots", f"{self.place.namespace}-{number}"
            self.snapshots.append(await self.make(path, {"name": called}, "snapshot"))
        stray: Json = {"name": self.place.namespace, "region": "nyc1", "size_gigabytes": 1, "tags": [TAG]}
        self.ids["volume"] = await self.make("/v2/volumes", stray, "volume")

    async def mend(self) -> None:
        """Do what docs/guides/drift.md says of each."""
        await self.place.ask_for("larger", "2Gi")
        await self.place.enlarged("larger", "2Gi")
        await self.act("attached", {"type": "detach", "droplet_id": self.cloud.droplets[1].id})
        for snapshot in self.snapshots:
            await self.ask("DELETE", f"/v2/snapshots/{snapshot}")
        await self.place.client.delete(VolumeSnapshot, "taken", namespace=self.place.namespace)
        await self.place.client.delete(PersistentVolume, self.kept)
        await until_gone(self.place.client, PersistentVolume, self.kept)
        for volume in ("kept", "volume"):
            await self.ask("DELETE", f"/v2/volumes/{self.ids[volume]}")
        await self.place.remove(PersistentVolumeClaim, "gone")
        used = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in CLAIMS[1:]]
        data = {"name": "data", "emptyDir": {}}
        await self.place.make(manifests.pod("app", "larger", more={"volumes": [data, *used]}))
        await self.place.ready("app")

    async def act(self, claim: str, action: dict[str, Json]) -> None:
        await self.ask("POST", f"/v2/volumes/{self.ids[claim]}/actions", {**action, "region": "nyc1"})

    async def make(self, path: str, body: Json, key: str) -> str:
        answer = await self.ask("POST", path, body)
        assert isinstance(answer, dict)
        made = answer[key]
        assert isinstance(made, dict)
        return str(made["id"])

    async def ask(self, method: str, path: str, body: Json = None) -> Json:
        return await ask_when_free(self.cloud, method, path, body)


async def until_counted(client: AsyncClient, workspace: Workspace, wanted: dict[str, int]) -> None:
    """Wait until the warden's metric says so many of each kind, and none of any other. Raises TimeoutError."""
    found: dict[str, int] | None = None
    try:
        async with asyncio.timeout(SHOWN_SECONDS):
            while found != wanted:
                page = f"/api/v1/namespaces/{NAMESPACE}/pods/{await leader(client, LEASE)}:{PORT}/proxy/metrics"
                found = None
                with suppress(ToolFailed):  # the leader has just gone, or come
                    told = re.findall(r'aiocsi_drift\{kind="(.+)"\} (\S+)', await kubectl(workspace, page))
                    found = {kind: int(float(count)) for kind, count in told if float(count)} if told else None
                await asyncio.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  # a metric tells nobody
    except TimeoutError as error:
        raise TimeoutError(f"the warden counts {found}, not {wanted}") from error


async def kubectl(workspace: Workspace, page: str) -> str:
    return await asyncio.to_thread(workspace.kubectl, "get", "--raw", page)


async def events(client: AsyncClient) -> AsyncIterator[tuple[str, str, int]]:
    """Yield the uid, the reason and the count of each Event of the warden."""
    async for event in client.list(Event, namespace="*"):
        if event.source and event.source.component == "aiocsi-warden":
            yield str(event.metadata.uid), str(event.reason), event.count or 1
