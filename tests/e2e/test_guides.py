"""README, docs/guides and the tutorial on kind, played word for word: install, import, move, back up, encrypt, upgrade.

Another cluster is a namespace here.
"""

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from lightkube import AsyncClient
from lightkube.generic_resource import create_global_resource
from lightkube.resources.core_v1 import Namespace, PersistentVolume, Pod, Secret
from lightkube.resources.storage_v1 import StorageClass
from lightkube.types import PatchType

from tests.e2e import manifests
from tests.e2e.cluster import cloud, driver
from tests.e2e.cluster.workspace import NODES, Workspace
from tests.e2e.guides import Guide, Operator
from tests.e2e.manifests import Document
from tests.e2e.parts import CONTROLLER, node_part, parts
from tests.e2e.place import READY_SECONDS, Place, VolumeSnapshot, close_place, open_place, until_gone
from tests.harness import tutorial
from tests.harness.luks import opens
from tools.chart import CHART
from tools.processes.run import ToolFailed
from tools.services.embedded_cloud import EmbeddedCloud, objects
from tools.venv import ROOT

_, FIRST, SECOND = NODES
WRITE = "dd if=/dev/urandom of=/data/file bs=1M count=4 2>/dev/null && sync && sha256sum < /data/file"
READ = "sha256sum < /data/file"
MANIFESTS = tutorial.FOLDER / "manifests"
HEADER_BYTES = 16 << 20  # of LUKS2, with the area of its key slots
SNAPSHOTS = "snapshot.storage.k8s.io"
VolumeSnapshotContent = create_global_resource(SNAPSHOTS, "v1", "VolumeSnapshotContent", "volumesnapshotcontents")
VolumeSnapshotClass = create_global_resource(SNAPSHOTS, "v1", "VolumeSnapshotClass", "volumesnapshotclasses")

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio]


async def test_a_volume_moves_to_another_cluster_as_the_guides_to_moving_and_importing_say(
    place: Place, client: AsyncClient, workspace: Workspace, embedded_cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    await place.make(manifests.stateful_set("db", 1))
    await place.ready("db-0")
    written, handle = await place.sh("db-0", WRITE), await place.volume_id("data-db-0")
    old = Operator(workspace, tmp_path, place.namespace)
    told = await asyncio.to_thread(old.play, "".join(Guide.read("move-between-clusters").commands()))
    assert f"{handle} ext4 1Gi" in told
    name = f"{place.namespace}-imported"
    fill = {"imported": name, "10Gi": "1Gi", "4de7ac8b-495b-4884-9a69-1050c6793cd6": handle}
    new = await open_place(client, f"{place.namespace}-new")
    try:
        await new.make(*Guide.read("import-volume").manifests(fill=fill), manifests.pod("app", name, node=SECOND))
        await new.ready("app")
        assert await new.sh("app", READ) == written
        assert handle in {volume["id"] for volume in await embedded_cloud.volumes()}
    finally:
        await client.patch(PersistentVolume, name, {"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
        await close_place(new)


async def test_a_snapshot_of_velero_s_class_outlives_its_namespace_and_is_restored_in_another(
    place: Place, client: AsyncClient, embedded_cloud: EmbeddedCloud, workspace: Workspace
) -> None:
    [velero] = Guide.read("velero").manifests()
    dry_run = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename=-")
    await asyncio.to_thread(workspace.kubectl, *dry_run, stdin=json.dumps(velero).encode())
    name = f"{place.namespace}-velero"
    about = velero["metadata"]
    assert isinstance(about, dict)
    await place.make(velero | {"metadata": about | {"name": name}})
    try:
        shop = await open_place(client, f"{place.namespace}-shop")
        await shop.make(manifests.claim("data"), manifests.pod("app", "data"))
        await shop.ready("app")
        written = await shop.sh("app", WRITE)
        await shop.make(of_class(manifests.snapshot("backup", "data"), name))
        await shop.snapshot_ready("backup")
        content, handle = await bound(client, shop, "backup")
        await close_place(shop)
        await until_gone(client, Namespace, shop.namespace)
        assert handle in await snapshots(embedded_cloud)
        await client.delete(VolumeSnapshotContent, content)
        assert handle in await snapshots(embedded_cloud)
        await place.make(*restored(name, handle, place.namespace))
        await place.snapshot_ready("backup")
        source = {"apiGroup": SNAPSHOTS, "kind": "VolumeSnapshot", "name": "backup"}
        await place.make(manifests.claim("data", source=source), manifests.pod("app", "data"))
        await place.ready("app")
        assert await place.sh("app", READ) == written
        await client.patch(
            VolumeSnapshotContent, name, {"spec": {"deletionPolicy": "Delete"}}, patch_type=PatchType.MERGE
        )
    finally:
        await client.delete(VolumeSnapshotClass, name)


async def test_a_class_is_encrypted_and_its_passphrase_replaced_as_the_guide_says(
    place: Place, client: AsyncClient, workspace: Workspace, embedded_cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    """As far as the disk's header: the mapper above it needs device-mapper, which tests/vm has."""
    guide, operator = Guide.read("encrypt"), Operator(workspace, tmp_path)
    here = {"kube-system": place.namespace}
    name = f"{place.namespace}-encrypted"
    _, by_hand = guide.manifests(fill=here | {"do-block-storage-encrypted": name})
    await asyncio.to_thread(operator.play, guide.commands("Make the Secret")[0], here)
    await place.make(by_hand, manifests.claim("data", storage_class=name), manifests.pod("app", "data", node=FIRST))
    try:
        link = f"scsi-0DO_Volume_{await place.volume_name('data')}"
        disk = cloud.device_folders(embedded_cloud)[FIRST] / link
        await until_opened(disk, tmp_path, by="passphrase")
        replace, _, forget, _ = guide.commands("Replace the passphrase")
        await asyncio.to_thread(operator.play, replace, here)
        await place.remove(Pod, "app")
        await place.make(manifests.pod("app", "data", node=FIRST))
        await until_opened(disk, tmp_path, by="new-passphrase")
        await asyncio.to_thread(operator.play, forget, here)
        secret = await client.get(Secret, "volume-key", namespace=place.namespace)
        assert secret.data is not None
        assert list(secret.data) == ["encryption-passphrase"]
        assert secret.metadata is not None
        assert not secret.metadata.annotations  # kubectl apply would keep both passphrases there
    finally:
        await client.delete(StorageClass, name)


@pytest.mark.alone
async def test_the_install_of_the_readme_is_less_than_ten_lines_and_ends_with_a_pod_that_has_its_volume(
    place: Place, workspace: Workspace, embedded_cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    [script] = Guide((ROOT / "README.md").read_text()).commands("Install it")
    assert len(script.splitlines()) < 10
    (tmp_path / "token.txt").write_text(embedded_cloud.token)
    (tmp_path / "values.json").write_text(json.dumps(driver.chart_values(workspace, embedded_cloud)))
    own = {
        "--set image.repository=registry.example.com/aiocsi": "--values values.json",
        "charts/aiocsi ": f"{CHART} ",
        "docs/tutorials": str(ROOT / "docs/tutorials"),
    }
    await asyncio.to_thread(driver.uninstall, workspace)
    await asyncio.to_thread(workspace.kubectl, "delete", "secret", driver.SECRET, f"--namespace={driver.NAMESPACE}")
    try:
        await asyncio.to_thread(Operator(workspace, tmp_path, place.namespace).play, script, own)
        assert (await place.run("my-csi-app", "grep", " /data ", "/proc/mounts")).split()[2] == "ext4"
    finally:
        await asyncio.to_thread(driver.install, workspace, embedded_cloud)


@pytest.mark.alone
async def test_an_upgrade_and_the_way_back_exchange_the_driver_and_leave_running_pods_alone(
    place: Place, client: AsyncClient, workspace: Workspace, embedded_cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    guide, operator = Guide.read("upgrade"), Operator(workspace, tmp_path)
    [upgrade] = [line for line in guide.commands()[0].splitlines() if line.startswith("helm upgrade")]
    anew = {"podAnnotations": {"upgrade": place.namespace}}
    values = driver.chart_values(workspace, embedded_cloud) | {"node": {"enabled": False, **anew}, "controller": anew}
    (tmp_path / "my-values.yaml").write_text(json.dumps(values))
    await place.make(manifests.claim("data"), manifests.pod("app", "data", node=FIRST))
    await place.ready("app")
    written, seen = await place.sh("app", WRITE), [await pods_of_the_driver(client)]
    for script, fill in ((upgrade, {"charts/aiocsi": str(CHART)}), (guide.commands("Back")[0], {})):
        await asyncio.to_thread(operator.play, script, fill)
        await asyncio.to_thread(driver.rolled_out, workspace)
        seen.append(await pods_of_the_driver(client))
        assert not seen[-1] & seen[-2]
        assert await place.sh("app", READ) == written
    await place.ask_for("data", "2Gi")
    await place.remove(Pod, "app")
    await place.make(manifests.pod("next", "data", node=SECOND))
    await place.ready("next")
    assert await place.sh("next", READ) == written


@pytest.mark.alone  # it cordons a node
async def test_the_tutorial_does_and_shows_what_it_says(workspace: Workspace) -> None:
    make, *pages, end = tutorial.blocks(tutorial.FOLDER / "kind.md")
    assert (make.commands, end.commands) == ("make e2e-up\n", "make e2e-down\n")  # what these tests run between
    assert workspace.kubeconfig.is_relative_to(Path.home() / ".cache/aiocsi/kind")
    with tutorial.Shell({"PATH": os.environ["PATH"], "HOME": str(Path.home())}) as shell:
        try:
            wrong = await asyncio.to_thread(tutorial.wrong, pages, shell, {})
            assert wrong == [], "\n".join(wrong)
        finally:
            left = f"kubectl delete --ignore-not-found --filename {MANIFESTS}; kubectl uncordon --all"
            await asyncio.to_thread(shell.type, left)


async def pods_of_the_driver(client: AsyncClient) -> set[str]:
    """Return the driver's pods: the controllers, and the node service of one node."""
    return await parts(client, CONTROLLER) | await parts(client, node_part(FIRST))


async def until_opened(disk: Path, passphrases: Path, by: str) -> None:
    """Wait until one of the guide's passphrases opens a disk, and the other one does not."""
    async with asyncio.timeout(READY_SECONDS):
        while await asyncio.to_thread(opening, disk, passphrases) != [by]:  # noqa: ASYNC110
            await asyncio.sleep(1)  # noqa: TID251  # a header that changes tells nobody


def opening(disk: Path, passphrases: Path) -> list[str]:
    """Return which of the guide's passphrases open a disk, from one look at its header: none if it is not there."""
    header = passphrases / "header"
    with suppress(FileNotFoundError, ToolFailed), disk.open("rb") as device:
        header.write_bytes(device.read(HEADER_BYTES))
        found = sorted(passphrases.glob("*passphrase"))
        return [one.name for one in found if opens(header, one.read_bytes())]
    return []


def of_class(snapshot: Document, name: str) -> Document:
    """Return a snapshot as Velero makes it: of the class that has its label."""
    spec = snapshot["spec"]
    assert isinstance(spec, dict)
    return snapshot | {"spec": spec | {"volumeSnapshotClassName": name}}


def restored(name: str, handle: str, namespace: str) -> tuple[Document, Document]:
    """Return a snapshot that is known by its id alone, as a restore brings it into another namespace."""
    content: Document = {
        "volumeSnapshotRef": {"name": "backup", "namespace": namespace},
        "deletionPolicy": "Retain",
        "driver": manifests.DRIVER,
        "source": {"snapshotHandle": handle},
        "volumeSnapshotClassName": name,
    }
    spec: Document = {"volumeSnapshotClassName": name, "source": {"volumeSnapshotContentName": name}}
    return _of_snapshots("VolumeSnapshotContent", name, content), _of_snapshots("VolumeSnapshot", "backup", spec)


def _of_snapshots(kind: str, name: str, spec: Document) -> Document:
    return {"apiVersion": f"{SNAPSHOTS}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


async def bound(client: AsyncClient, place: Place, name: str) -> tuple[str, str]:
    """Return the content of a snapshot, and the cloud's id of it."""
    snapshot = await client.get(VolumeSnapshot, name, namespace=place.namespace)
    content = _status(snapshot.status, "boundVolumeSnapshotContentName")
    return content, _status((await client.get(VolumeSnapshotContent, content)).status, "snapshotHandle")


def _status(status: object, key: str) -> str:
    assert isinstance(status, dict)
    return str(status[key])


async def snapshots(cloud: EmbeddedCloud) -> set[str]:
    """Return the ids of the cloud's snapshots."""
    found = objects(await cloud.get("/v2/snapshots?resource_type=volume&per_page=199"), "snapshots")
    return {str(one["id"]) for one in found}
