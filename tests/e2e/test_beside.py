"""aiocsi beside the provider's driver, as docs/guides/beside-doks.md says; a stand-in plays that (predecessor/)."""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim, Pod

from tests.e2e import manifests, predecessor
from tests.e2e.cluster import driver
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.guides import Guide, Operator
from tests.e2e.place import Place, until_gone
from tools.chart import CHART
from tools.services.embedded_cloud import EmbeddedCloud

_, FIRST, SECOND = NODES
GUIDE = Guide.read("beside-doks")
VALUES = "charts/places/doks-beside.values.yaml"
THEIRS, OURS = manifests.DRIVER, "aiocsi.example.com"
CLASSES = {"theirs": manifests.CLASS, "one": "aiocsi", "two": "aiocsi"}
SHARE = 2
WRITE = "dd if=/dev/urandom of=/data/file bs=1M count=4 2>/dev/null && sync && sha256sum < /data/file"
READ = "sha256sum < /data/file"

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio, pytest.mark.alone, pytest.mark.long]


@pytest_asyncio.fixture
async def operator(workspace: Workspace, embedded_cloud: EmbeddedCloud, tmp_path: Path) -> AsyncIterator[Operator]:
    """Whoever follows the guide in a cluster that has the provider's driver; aiocsi alone is there again afterwards."""
    await asyncio.to_thread(driver.uninstall, workspace)
    predecessor.write(tmp_path / "driver.yaml", embedded_cloud)
    await asyncio.to_thread(predecessor.install, workspace, tmp_path / "driver.yaml")
    (tmp_path / "token.txt").write_text(embedded_cloud.token)
    values = driver.chart_values(workspace, embedded_cloud)
    values["node"] = {"enabled": False, "volumeReserve": manifests.LIMIT - SHARE}
    (tmp_path / "own.json").write_text(json.dumps(values))
    yield Operator(workspace, tmp_path)
    await asyncio.to_thread(driver.uninstall, workspace)
    for node in NODES:
        socket = f"/var/lib/kubelet/plugins_registry/{OURS}-reg.sock"
        await asyncio.to_thread(workspace.docker, "exec", node, "rm", "-f", socket)
    await asyncio.to_thread(predecessor.remove, workspace, tmp_path / "driver.yaml")
    secret = ("delete", "secret", "aiocsi-token", f"--namespace={driver.NAMESPACE}", "--ignore-not-found")
    await asyncio.to_thread(workspace.kubectl, *secret)
    await asyncio.to_thread(driver.install, workspace, embedded_cloud)


async def test_each_driver_serves_its_own_classes_and_takes_no_more_than_its_share_of_a_node(
    operator: Operator, place: Place
) -> None:
    own = f"{shlex.quote(str(CHART.parent / 'places/doks-beside.values.yaml'))} --values own.json"
    [install] = GUIDE.commands("Install")
    await asyncio.to_thread(operator.play, install, {VALUES: own, "charts/aiocsi ": f"{shlex.quote(str(CHART))} "})
    [look] = GUIDE.commands("See that it works")
    told = await asyncio.to_thread(operator.play, look)
    assert (told.count(THEIRS), told.count(OURS)) == (len(NODES), len(NODES))

    for name, storage_class in CLASSES.items():
        await start(place, name, storage_class, FIRST)
    assert {name: await driver_of(place, name) for name in CLASSES} == {"theirs": THEIRS, "one": OURS, "two": OURS}
    written = {name: await place.sh(name, WRITE) for name in CLASSES}

    await place.make(manifests.claim("three", storage_class="aiocsi"), manifests.pod("three", "three", node=FIRST))
    await place.event("FailedScheduling", "max volume count")
    await start(place, "more", manifests.CLASS, FIRST)  # what one driver has does not count against the other
    assert not await place.scheduled("three")

    for name in ("theirs", "one"):
        await place.remove(Pod, name)
        await place.make(manifests.pod(name, name, node=SECOND))
        await place.ready(name)
        assert await place.sh(name, READ) == written[name]
    await place.ready("three")

    for name in ("one", "two", "three"):
        await remove(place, name)
    await asyncio.to_thread(driver.uninstall, operator.workspace)
    assert await place.sh("theirs", READ) == written["theirs"]
    await start(place, "later", manifests.CLASS, SECOND)


async def start(place: Place, name: str, storage_class: str, node: str) -> None:
    """Make a claim and its pod, and wait until that is ready."""
    await place.make(manifests.claim(name, storage_class=storage_class), manifests.pod(name, name, node=node))
    await place.ready(name)


async def driver_of(place: Place, claim: str) -> str:
    """Return the driver of the volume that a claim is bound to."""
    volume = await place.volume(claim)
    assert volume.spec is not None
    assert volume.spec.csi is not None
    return volume.spec.csi.driver


async def remove(place: Place, name: str) -> None:
    """Remove a pod, its claim and its volume."""
    volume = await place.volume_name(name)
    await place.remove(Pod, name)
    await place.remove(PersistentVolumeClaim, name)
    await until_gone(place.client, PersistentVolume, volume)
