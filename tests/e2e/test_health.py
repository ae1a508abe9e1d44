"""Volumes that are not well, as kubectl shows it: on the claim by the warden, on the pod by kubelet."""

import asyncio

import pytest
import yaml
from lightkube import AsyncClient
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod
from lightkube.resources.storage_v1 import StorageClass

from tests.e2e import manifests
from tests.e2e.actions import ask_when_free
from tests.e2e.breakages import damage
from tests.e2e.cluster.workspace import KUBERNETES, NODES, Workspace
from tests.e2e.place import Place
from tests.e2e.test_absences import READ, WRITE
from tools.services.embedded_cloud import EmbeddedCloud

FIRST = NODES[1]
SHOWN_SECONDS = 90.0
LOOK_AGAIN_SECONDS = 1.0
SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "before"}
WRITE_ON = (
    "until touch /data/more 2>&1 | grep Read-only; "
    "do dd if=/dev/zero of=/data/more bs=64k count=1 conv=fsync || sleep 1; done"
)
REPAIR = "until e2fsck -fy {device}; [ $? -le 1 ]; do sleep 1; done"  # 1: repaired

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.asyncio,
    pytest.mark.skipif(KUBERNETES < "v1.37", reason=f"health is shown from 1.37, not {KUBERNETES}"),
]


async def test_a_volume_that_was_deleted_in_the_cloud_is_lost_on_its_claim_until_it_is_restored(
    place: Place, workspace: Workspace, embedded_cloud: EmbeddedCloud
) -> None:
    await place.make(manifests.claim("data"), manifests.pod("app", "data"))
    await place.ready("app")
    written = await place.sh("app", WRITE)
    await place.make(manifests.snapshot("before", "data"))
    await place.snapshot_ready("before")
    await place.remove(Pod, "app")
    await ask_when_free(embedded_cloud, "DELETE", f"/v2/volumes/{await place.volume_id('data')}")  # is detached
    await until_shown(place, workspace, "pvc/data", {"DataLoss/VolumeGone"})
    assert "VolumeGone" in await place.event("VolumeDataLoss", "the cloud has no volume")
    await place.remove(PersistentVolumeClaim, "data")
    await place.make(manifests.claim("data", source=SNAPSHOT), manifests.pod("app", "data"))
    await place.ready("app")
    assert await place.sh("app", READ) == written
    await until_shown(place, workspace, "pvc/data", set())


async def test_a_disk_that_fails_shows_on_its_pod_and_not_on_the_next_one_when_it_works_again(
    place: Place, workspace: Workspace, embedded_cloud: EmbeddedCloud
) -> None:
    await place.make(manifests.claim("data"), manifests.pod("app", "data"))
    await place.ready("app")
    written = await place.sh("app", WRITE)
    disk = f"/_localcloud/volumes/{await place.volume_id('data')}/disk"
    await embedded_cloud.send("POST", disk, {"writes": "fail"})
    assert "Read-only" in await place.sh("app", WRITE_ON)
    await until_shown(place, workspace, "pod/app", {"Inaccessible/FilesystemReadOnly"})
    await embedded_cloud.send("POST", disk, {"writes": "work"})
    await place.remove(Pod, "app")
    await place.make(manifests.pod("app", "data"))
    await place.ready("app")
    assert await place.sh("app", READ) == written
    await until_shown(place, workspace, "pod/app", set())


async def test_a_damaged_file_system_shows_on_the_pod_that_waits_for_it_until_it_is_repaired(
    place: Place, client: AsyncClient, workspace: Workspace
) -> None:
    at_once = f"{place.namespace}-at-once"
    await place.make(manifests.storage_class(at_once, volumeBindingMode="Immediate"))
    try:
        await place.make(manifests.claim("data", storage_class=at_once))
        await place.bound("data")
        damage(workspace, await place.volume_id("data"))
        await place.make(manifests.pod("app", "data", node=FIRST))
        await until_shown(place, workspace, "pod/app", {"Inaccessible/FilesystemDamaged"})
        device = f"/dev/disk/by-id/scsi-0DO_Volume_{await place.volume_name('data')}"
        await asyncio.to_thread(workspace.docker, "exec", FIRST, "sh", "-c", REPAIR.format(device=device))
        await place.ready("app")
        await until_shown(place, workspace, "pod/app", set())
    finally:
        await client.delete(StorageClass, at_once)


async def until_shown(place: Place, workspace: Workspace, name: str, wanted: set[str]) -> None:
    """Wait until kubectl shows these conditions of an object, as status/reason. Raises TimeoutError."""
    argv, found = ("get", name, f"--namespace={place.namespace}", "--output=yaml"), {"nothing yet"}
    try:
        async with asyncio.timeout(SHOWN_SECONDS):
            while not (wanted <= found if wanted else not found):
                found = shown(yaml.safe_load(await asyncio.to_thread(workspace.kubectl, *argv))["status"])
                await asyncio.sleep(LOOK_AGAIN_SECONDS)  # noqa: TID251  # the client knows no such fields to watch
    except TimeoutError as error:
        raise TimeoutError(f"{name} shows {found or 'nothing'}, not {wanted or 'nothing'}") from error


def shown(status: dict[str, object]) -> set[str]:
    """Return the conditions of a claim's health, or of all volumes of a pod."""
    entries = status.get("volumeHealth") or [status.get("healthStatus") or {}]
    assert isinstance(entries, list)
    return {f"{each['status']}/{each['reason']}" for entry in entries for each in entry.get("healthConditions") or []}
