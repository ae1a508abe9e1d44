"""Rules and limits as people meet them in a cluster: access modes, regions, tags, imported volumes, full nodes."""

import pytest
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod
from lightkube.resources.storage_v1 import StorageClass

from tests.e2e import manifests
from tests.e2e.cluster.driver import TAG
from tests.e2e.cluster.workspace import NODES
from tests.e2e.place import Place
from tools.services.embedded_cloud import EmbeddedCloud

_, FIRST, SECOND = NODES
DRIVER = "dobs.csi.digitalocean.com"
WRITE = "dd if=/dev/urandom of=/data/file bs=1M count=4 2>/dev/null && sync && sha256sum < /data/file"
READ = "sha256sum < /data/file"

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio]


async def test_a_volume_for_one_pod_alone_keeps_the_second_pod_out(place: Place) -> None:
    one = manifests.claim("data", access="ReadWriteOncePod")
    await place.make(one, manifests.pod("first", "data"))
    await place.ready("first")
    await place.make(manifests.pod("second", "data"))
    await place.event("FailedScheduling", "ReadWriteOncePod")
    await place.remove(Pod, "first")
    await place.ready("second")


async def test_a_volume_in_a_region_without_nodes_is_refused_with_both_regions(
    place: Place, client: AsyncClient
) -> None:
    elsewhere = manifests.storage_class(
        f"{place.namespace}-elsewhere", volumeBindingMode="Immediate", allowedTopologies=manifests.region("fra1")
    )
    await place.make(elsewhere)
    try:
        await place.make(manifests.claim("data", storage_class=f"{place.namespace}-elsewhere"))
        message = await place.event("ProvisioningFailed", "fra1")
        assert "nyc1" in message
    finally:
        await client.delete(StorageClass, f"{place.namespace}-elsewhere")


async def test_a_class_s_tags_tell_the_claim_s_name_in_the_cloud(
    place: Place, client: AsyncClient, embedded_cloud: EmbeddedCloud
) -> None:
    name = f"{place.namespace}-tagged"
    tagged = manifests.storage_class(name, parameters={"tags": "claim:${pvc.namespace}:${pvc.name}"})
    await place.make(tagged, manifests.claim("data", storage_class=name), manifests.pod("app", "data"))
    try:
        await place.ready("app")
        volume = await place.volume("data")
        assert volume.metadata is not None
        [found] = [one for one in await embedded_cloud.volumes() if one["name"] == volume.metadata.name]
        assert found["tags"] == [f"claim:{place.namespace}:data", TAG]
    finally:
        await client.delete(StorageClass, name)


async def test_a_btrfs_volume_grows_under_its_running_pod(place: Place, client: AsyncClient) -> None:
    name = f"{place.namespace}-btrfs"
    btrfs = manifests.storage_class(name, parameters={"csi.storage.k8s.io/fstype": "btrfs"})
    await place.make(btrfs, manifests.claim("data", storage_class=name), manifests.pod("app", "data"))
    try:
        await place.ready("app")
        written = await place.sh("app", WRITE)
        await place.grow("data", "3Gi")
        assert await place.sh("app", READ) == written
        assert int(await place.sh("app", "df -P -k /data | tail -n 1 | awk '{print $2}'")) > 2.8 * 1024 * 1024
    finally:
        await client.delete(StorageClass, name)
