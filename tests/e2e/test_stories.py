"""What people do with volumes, each on a real cluster from claim to pod."""

import pytest
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod

from tests.e2e import manifests
from tests.e2e.cluster.workspace import NODES
from tests.e2e.place import Place

_, FIRST, SECOND = NODES
WRITE = "dd if=/dev/urandom of=/data/file bs=1M count=16 && sync && sha256sum < /data/file"
READ = "sha256sum < /data/file"

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio]


async def test_data_survives_the_move_to_another_node(place: Place) -> None:
    await place.make(manifests.claim("data"), manifests.pod("writer", "data", node=FIRST))
    await place.ready("writer")
    written = await place.sh("writer", WRITE)
    await place.remove(Pod, "writer")
    await place.make(manifests.pod("reader", "data", node=SECOND))
    await place.ready("reader")
    assert await place.sh("reader", READ) == written


async def test_a_raw_block_volume_keeps_its_bytes_across_nodes(place: Place) -> None:
    await place.make(manifests.claim("raw", mode="Block"), manifests.block_pod("writer", "raw", node=FIRST))
    await place.ready("writer")
    first_mib = "dd if=/dev/data bs=1M count=1 | sha256sum"
    written = await place.sh("writer", f"dd if=/dev/urandom of=/dev/data bs=1M count=1 && sync && {first_mib}")
    await place.remove(Pod, "writer")
    await place.make(manifests.block_pod("reader", "raw", node=SECOND))
    await place.ready("reader")
    assert await place.sh("reader", first_mib) == written


async def test_a_pod_that_has_a_volume_read_only_cannot_write_to_it(place: Place) -> None:
    await place.make(manifests.claim("data"), manifests.pod("writer", "data", node=FIRST))
    await place.ready("writer")
    written = await place.sh("writer", WRITE)
    await place.make(manifests.reader("reader", "data", node=FIRST))
    await place.ready("reader")
    assert await place.sh("reader", READ) == written
    assert await place.sh("reader", "touch /data/more 2>&1 || true") == "touch: /data/more: Read-only file system"


async def test_the_pod_s_group_owns_the_volume(place: Place) -> None:
    user = {"securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000}}
    await place.make(manifests.claim("data"), manifests.pod("app", "data", more=user))
    await place.ready("app")
    assert await place.sh("app", "touch /data/mine && stat -c '%u %g' /data/mine") == "1000 2000"


@pytest.mark.parametrize("storage_class", ["do-block-storage-xfs"])
async def test_a_volume_grows_under_its_running_pod(place: Place, storage_class: str) -> None:
    await place.make(manifests.claim("data", storage_class=storage_class), manifests.pod("app", "data"))
    await place.ready("app")
    written = await place.sh("app", WRITE)
    await place.grow("data", "3Gi")
    assert await place.sh("app", READ) == written
    blocks = await place.sh("app", "df -P -k /data | tail -n 1 | awk '{print $2}'")
    assert int(blocks) > 2.8 * 1024 * 1024


async def test_an_ext4_volume_that_grew_while_no_pod_had_it_is_larger_for_the_next_one(place: Place) -> None:
    await place.make(manifests.claim("data"), manifests.pod("first", "data"))
    await place.ready("first")
    written = await place.sh("first", WRITE)
    await place.remove(Pod, "first")
    await place.ask_for("data", "3Gi")
    await place.enlarged("data", "3Gi")
    await place.make(manifests.pod("second", "data"))
    await place.ready("second")
    assert await place.sh("second", READ) == written
    assert int(await place.sh("second", "df -P -k /data | tail -n 1 | awk '{print $2}'")) > 2.8 * 1024 * 1024


async def test_a_snapshot_becomes_a_larger_volume_with_the_same_data(place: Place) -> None:
    await place.make(manifests.claim("data"), manifests.pod("app", "data"))
    await place.ready("app")
    written = await place.sh("app", WRITE)
    await place.make(manifests.snapshot("before", "data"))
    await place.snapshot_ready("before")
    await place.sh("app", "rm /data/file && sync")
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "before"}
    await place.make(manifests.claim("restored", "2Gi", source=source), manifests.pod("later", "restored"))
    await place.ready("later")
    assert await place.sh("later", READ) == written


async def test_a_clone_has_the_data_and_a_life_of_its_own(place: Place) -> None:
    await place.make(manifests.claim("data"), manifests.pod("app", "data"))
    await place.ready("app")
    written = await place.sh("app", WRITE)
    source = {"kind": "PersistentVolumeClaim", "name": "data"}
    await place.make(manifests.claim("copy", source=source), manifests.pod("other", "copy"))
    await place.ready("other")
    assert await place.sh("other", READ) == written
    await place.sh("other", "rm /data/file && sync")
    assert await place.sh("app", READ) == written


async def test_a_stateful_set_keeps_each_pod_s_volume_when_it_is_scaled_down_and_up(place: Place) -> None:
    names = [f"db-{number}" for number in range(3)]
    await place.make(manifests.stateful_set("db", 3))
    for name in names:
        await place.ready(name)
        await place.sh(name, f"echo {name} > /data/name && sync")
    await place.scale("db", 1)
    await place.scale("db", 3)
    for name in names:
        await place.ready(name)
        assert await place.sh(name, "cat /data/name") == name


async def test_an_inline_claim_lives_as_long_as_its_pod(place: Place) -> None:
    volume = {"name": "data", "ephemeral": {"volumeClaimTemplate": {"spec": manifests.claim("data")["spec"]}}}
    await place.make(manifests.pod("app", "unused", more={"volumes": [volume]}))
    await place.ready("app")
    await place.sh("app", WRITE)
    await place.remove(Pod, "app")
    await place.gone(PersistentVolumeClaim, "app-data")
