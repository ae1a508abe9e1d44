"""csi-digitalocean is exchanged for aiocsi and back, as docs/guides/take-over.md says, under pods that keep running.

That the commands by hand on that page lead to the same objects is shown in tests/chart/cluster.

A stand-in plays csi-digitalocean (predecessor/): its volumes, mounts, objects and classes are what that leaves behind.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
import pytest_asyncio
from lightkube import AsyncClient
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod

from tests.e2e import manifests, predecessor
from tests.e2e.cluster import driver
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.guides import Guide, Operator
from tests.e2e.place import Place, until_gone
from tools.chart import CHART
from tools.services.embedded_cloud import EmbeddedCloud, objects

_, FIRST, SECOND = NODES
GUIDE = Guide.read("take-over")
PIP = "pip install '.[kubernetes]'"  # the tests' environment has it
PLAN = "aiocsi-takeover plan -- --set image.repository=registry.example.com/aiocsi --set cloud.region=nyc1"
STEPS = range(1, 5)  # of six: 5 only looks, and after 6 the last test goes back
CLASSES = {"data": "do-block-storage", "grown": "do-block-storage-xfs", "raw": "do-block-storage"}
FILE_SUM = "sha256sum < /data/file"
WRITE = f"dd if=/dev/urandom of=/data/file bs=1M count=16 2>/dev/null && sync && {FILE_SUM}"
RAW_SUM = "dd if=/dev/data bs=1M count=16 2>/dev/null | sha256sum"
RAW_WRITE = f"dd if=/dev/urandom of=/dev/data bs=1M count=16 2>/dev/null && sync && {RAW_SUM}"
KILOBYTES = "df -P -k /data | tail -n 1 | awk '{print $2}'"

pytestmark = [pytest.mark.timeout(1200), pytest.mark.asyncio, pytest.mark.alone, pytest.mark.long]


@dataclass(frozen=True)
class Stage:
    """What a take-over needs: the operator, the old driver's manifests, the chart's values."""

    operator: Operator
    driver_yaml: Path
    values: Path

    async def follow(self, heading: str, *, keep: bool = False) -> str:
        """Play what the guide has below a heading, with the tests' values; ``keep``: plan to keep the old classes."""
        more = " --keep-classes" if keep else ""
        own = {PLAN: f"aiocsi-takeover plan --chart {CHART}{more} -- --values={self.values}", PIP: ""}
        said = ""
        for script in GUIDE.commands(heading):
            said += await self.play(script, {example: there for example, there in own.items() if example in script})
        return said

    async def play(self, script: str, fill: dict[str, str] | None = None) -> str:
        """Play commands. Raises ToolFailed."""
        return await asyncio.to_thread(self.operator.play, script, fill)


@pytest_asyncio.fixture
async def stage(workspace: Workspace, embedded_cloud: EmbeddedCloud, tmp_path: Path) -> AsyncIterator[Stage]:
    """A cluster that csi-digitalocean serves; when a test is over, aiocsi alone is there again."""
    made = Stage(Operator(workspace, tmp_path), tmp_path / "driver.yaml", tmp_path / "values.json")
    predecessor.write(made.driver_yaml, embedded_cloud)
    made.values.write_text(json.dumps(driver.chart_values(workspace, embedded_cloud)))
    await asyncio.to_thread(driver.uninstall, workspace)
    await asyncio.to_thread(predecessor.install, workspace, made.driver_yaml)
    yield made
    await asyncio.to_thread(driver.uninstall, workspace)
    await asyncio.to_thread(predecessor.remove, workspace, made.driver_yaml)
    await asyncio.to_thread(driver.install, workspace, embedded_cloud)


@pytest_asyncio.fixture
async def there_before(stage: Stage, place: Place) -> Place:
    """A namespace in that cluster; it is cleared while a driver still runs."""
    assert stage.driver_yaml.exists()
    return place


async def test_the_volumes_of_csi_digitalocean_live_on_under_their_running_pods_step_by_step_and_back(
    there_before: Place, stage: Stage, client: AsyncClient, embedded_cloud: EmbeddedCloud
) -> None:
    place = there_before
    living = await Living.begin(place, embedded_cloud)
    assert "✓ image, host, token and scopes" in await stage.follow("Plan")
    await living.check()
    for step in STEPS:
        said = await stage.play(f"aiocsi-takeover apply --until {step}")
        assert (f"✓ {step} done" in said, f"✓ {step + 1} done" in said) == (True, False)
        await living.check()
        await stage.follow("Back")
        await living.check()
    await stage.follow("Change")
    assert (await stage.follow("See that it worked")).count(manifests.DRIVER) == len(NODES)
    await living.check()
    await go_on(place, client, embedded_cloud, living.written)


async def test_with_the_old_classes_volumes_of_aiocsi_live_on_under_csi_digitalocean_and_under_aiocsi_again(
    there_before: Place, stage: Stage, client: AsyncClient, embedded_cloud: EmbeddedCloud
) -> None:
    place = there_before
    await stage.follow("Plan", keep=True)
    await stage.follow("Change")
    living = await Living.begin(place, embedded_cloud)
    await stage.follow("Back")
    await living.check()
    await go_on(place, client, embedded_cloud, living.written)
    kept = await place.sh("restored", FILE_SUM)
    await stage.follow("Change")
    assert await place.sh("restored", FILE_SUM) == kept
    await place.remove(Pod, "restored")
    await place.make(manifests.pod("restored", "restored", node=FIRST))
    await place.ready("restored")
    assert await place.sh("restored", FILE_SUM) == kept


@dataclass(frozen=True)
class Living:
    """Pods that have written to their volumes, and what must stay while the drivers change."""

    place: Place
    cloud: EmbeddedCloud
    written: dict[str, str]
    volumes: set[str]
    pods: dict[str, tuple[str, int]]

    @classmethod
    async def begin(cls, place: Place, cloud: EmbeddedCloud) -> Self:
        """Make claims, pods, data and a snapshot."""
        written = await start(place)
        await place.make(manifests.snapshot("before", "data"))
        await place.snapshot_ready("before")
        return cls(place, cloud, written, await ids(cloud), await running(place))

    async def check(self) -> None:
        """Assert that no pod has noticed anything."""
        assert await running(self.place) == self.pods
        assert await sums(self.place, FIRST) == self.written
        assert await ids(self.cloud) == self.volumes


async def start(place: Place) -> dict[str, str]:
    """Make a claim of each kind with a pod that has written to it; return the checksums."""
    for name, storage_class in CLASSES.items():
        mode = "Block" if name == "raw" else "Filesystem"
        await place.make(manifests.claim(name, storage_class=storage_class, mode=mode), pod_of(name, FIRST))
    for name in CLASSES:
        await place.ready(name)
    return {name: await place.sh(name, RAW_WRITE if name == "raw" else WRITE) for name in CLASSES}


async def go_on(place: Place, client: AsyncClient, cloud: EmbeddedCloud, written: dict[str, str]) -> None:
    """Do all that people do with volumes, under the driver that did not make them."""
    for name in CLASSES:  # a pod beside the one that runs: the volume is staged already
        await place.make(pod_of(name, FIRST, f"{name}-beside"))
        await place.ready(f"{name}-beside")
    assert await sums(place, FIRST, "-beside") == written
    await place.grow("grown", "3Gi")
    assert int(await place.sh("grown", KILOBYTES)) > 2.8 * 1024 * 1024
    for name in CLASSES:
        await place.remove(Pod, f"{name}-beside")
        await place.remove(Pod, name)
        await place.make(pod_of(name, SECOND))
    for name in CLASSES:
        await place.ready(name)
    assert await sums(place, SECOND) == written
    await place.make(manifests.snapshot("after", "data"))
    await place.snapshot_ready("after")
    for name, snapshot in (("restored", "before"), ("again", "after")):
        source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": snapshot}
        await place.make(manifests.claim(name, source=source), manifests.pod(name, name, node=SECOND))
        await place.ready(name)
        assert await place.sh(name, FILE_SUM) == written["data"]
    for name in CLASSES:
        volume = await place.volume(name)
        assert volume.metadata is not None
        assert volume.spec is not None
        assert volume.spec.csi is not None
        await place.remove(Pod, name)
        await place.remove(PersistentVolumeClaim, name)
        await until_gone(client, PersistentVolume, str(volume.metadata.name))
        assert volume.spec.csi.volumeHandle not in await ids(cloud)


def pod_of(claim: str, node: str, name: str = "") -> manifests.Document:
    """Return a pod that has a claim of ``CLASSES``."""
    make = manifests.block_pod if claim == "raw" else manifests.pod
    return make(name or claim, claim, node=node)


async def sums(place: Place, node: str, suffix: str = "") -> dict[str, str]:
    """Return the checksum of what each pod sees of its volume; they all run on a node."""
    found = [await place.client.get(Pod, f"{name}{suffix}", namespace=place.namespace) for name in CLASSES]
    assert {pod.spec.nodeName for pod in found if pod.spec} == {node}
    return {name: await place.sh(f"{name}{suffix}", RAW_SUM if name == "raw" else FILE_SUM) for name in CLASSES}


async def running(place: Place) -> dict[str, tuple[str, int]]:
    """Return each pod's identity, and how often its container has started again."""
    return {
        str(pod.metadata.name): (str(pod.metadata.uid), sum(one.restartCount for one in pod.status.containerStatuses))
        async for pod in place.client.list(Pod, namespace=place.namespace)
        if pod.metadata and pod.status and pod.status.containerStatuses
    }


async def ids(cloud: EmbeddedCloud) -> set[str]:
    """Return the ids of the cloud's volumes and snapshots."""
    snapshots = objects(await cloud.get("/v2/snapshots?resource_type=volume&per_page=199"), "snapshots")
    return {str(one["id"]) for one in (*await cloud.volumes(), *snapshots)}
