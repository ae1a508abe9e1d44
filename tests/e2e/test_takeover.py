"""csi-digitalocean is exchanged for aiocsi and back, as docs/guides/take-over.md says, under pods that keep running.

A stand-in plays csi-digitalocean (predecessor/): its volumes, mounts, objects and classes are what that leaves behind.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

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
OLD_CLASSES = "kubectl delete storageclass"
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

    async def play(self, script: str, fill: dict[str, str] | None = None) -> str:
        """Play commands of the guide."""
        return await asyncio.to_thread(self.operator.play, script, fill)


@pytest_asyncio.fixture
async def stage(workspace: Workspace, embedded_cloud: EmbeddedCloud, tmp_path: Path) -> AsyncIterator[Stage]:
    """Whatever a test does with the two drivers, aiocsi alone is there again when it is over."""
    made = Stage(Operator(workspace, tmp_path), tmp_path / "driver.yaml", tmp_path / "values.json")
    predecessor.write(made.driver_yaml, embedded_cloud)
    made.values.write_text(json.dumps(driver.chart_values(workspace, embedded_cloud)))
    yield made
    await asyncio.to_thread(driver.uninstall, workspace)
    await asyncio.to_thread(predecessor.remove, workspace, made.driver_yaml)
    await asyncio.to_thread(driver.install, workspace, embedded_cloud)


@pytest_asyncio.fixture
async def there_before(stage: Stage, place: Place, workspace: Workspace) -> AsyncIterator[Place]:
    """A namespace in a cluster that csi-digitalocean serves; ``place`` is cleared while a driver still runs."""
    await asyncio.to_thread(driver.uninstall, workspace)
    await asyncio.to_thread(predecessor.install, workspace, stage.driver_yaml)
    yield place


@pytest.mark.parametrize("keep", [pytest.param(False, id="new classes"), pytest.param(True, id="old classes")])
async def test_the_volumes_of_csi_digitalocean_live_on_under_their_running_pods(
    there_before: Place, stage: Stage, client: AsyncClient, embedded_cloud: EmbeddedCloud, keep: bool
) -> None:
    place = there_before
    written = await start(place)
    await place.make(manifests.snapshot("before", "data"))
    await place.snapshot_ready("before")
    volumes, pods = await ids(embedded_cloud), await running(place)
    for script in (*GUIDE.commands("Before"), *GUIDE.commands("The change")):
        await stage.play(*the_chart(script, stage.values, keep=keep))
    told = "".join([await stage.play(script) for script in GUIDE.commands("See that it worked")])
    assert told.count(manifests.DRIVER) == len(NODES)
    assert await running(place) == pods
    assert await sums(place, FIRST) == written
    assert await ids(embedded_cloud) == volumes
    await go_on(place, client, embedded_cloud, written)


async def test_the_volumes_of_aiocsi_live_on_under_csi_digitalocean_and_then_under_aiocsi_again(
    stage: Stage, place: Place, workspace: Workspace, client: AsyncClient, embedded_cloud: EmbeddedCloud
) -> None:
    written = await start(place)
    await place.make(manifests.snapshot("before", "data"))
    await place.snapshot_ready("before")
    volumes, pods = await ids(embedded_cloud), await running(place)
    for script in GUIDE.commands("Back"):
        await stage.play(script)
    await asyncio.to_thread(predecessor.until_ready, workspace)
    assert await running(place) == pods
    assert await sums(place, FIRST) == written
    assert await ids(embedded_cloud) == volumes
    await go_on(place, client, embedded_cloud, written)
    kept = await place.sh("restored", FILE_SUM)
    for script in GUIDE.commands("The change"):
        await stage.play(*the_chart(script, stage.values, keep=False))
    assert await place.sh("restored", FILE_SUM) == kept
    await place.remove(Pod, "restored")
    await place.make(manifests.pod("restored", "restored", node=FIRST))
    await place.ready("restored")
    assert await place.sh("restored", FILE_SUM) == kept


def the_chart(script: str, values: Path, *, keep: bool) -> tuple[str, dict[str, str]]:
    """Return commands of the guide with an operator's choice of classes, and what he fills in."""
    if "helm install" not in script:
        return script, {}
    lines = [line for line in script.splitlines() if not (keep and line.startswith(OLD_CLASSES))]
    more = " --set storageClasses.create=false" if keep else ""
    own = {
        "--set image.repository=registry.example.com/aiocsi": f"--values={values}{more}",
        "charts/aiocsi": str(CHART),
    }
    return "\n".join(lines), own


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
    """Return each pod's identity, and how often its container has started anew."""
    return {
        str(pod.metadata.name): (str(pod.metadata.uid), sum(one.restartCount for one in pod.status.containerStatuses))
        async for pod in place.client.list(Pod, namespace=place.namespace)
        if pod.metadata and pod.status and pod.status.containerStatuses
    }


async def ids(cloud: EmbeddedCloud) -> set[str]:
    """Return the ids of the cloud's volumes and snapshots."""
    snapshots = objects(await cloud.get("/v2/snapshots?resource_type=volume&per_page=199"), "snapshots")
    return {str(one["id"]) for one in (*await cloud.volumes(), *snapshots)}
