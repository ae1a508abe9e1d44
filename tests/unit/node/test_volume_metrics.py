"""Metrics of volumes: asked once a minute, each volume by itself, and shown from memory."""

import pytest

from common import errors
from node import refusals
from node.records.findings import Finding
from node.records.state import Published
from tests.unit.node.watched import World, passing

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

SERIES = 40  # of a volume, at most


async def test_a_volume_tells_of_its_space_its_disk_and_what_it_is(world: World) -> None:
    world.stage(1)
    world.volumes.look()
    await passing(1)
    found = {name: world.value(name) for name in ("size_bytes", "used_bytes", "inodes_used", "written_bytes_total")}
    assert found == {
        "size_bytes": "1.073741824e+09",
        "used_bytes": "300.0",
        "inodes_used": "5.0",
        "written_bytes_total": "1024.0",
    }
    assert world.value("info", device="loop1", fstype="ext4", encrypted="false") == "1.0"
    assert len(world.page()) <= SERIES


async def test_a_volume_has_the_name_of_its_persistent_volume_and_is_asked_where_kubelet_asks(world: World) -> None:
    world.stage(1)
    target = "/kubelet/pods/uid/volumes/kubernetes.io~csi/pv-by-hand/mount"
    world.host.state.write(Published("id-1", target, block=False, read_only=False))
    world.volumes.look()
    await passing(1)
    assert world.asked.paths == [target]
    assert world.value("used_bytes", persistentvolume="pv-by-hand") == "300.0"


async def test_a_raw_block_volume_has_a_size_and_no_usage_and_is_not_asked(world: World) -> None:
    world.stage(1, kind="")
    world.volumes.look()
    await passing(1)
    assert world.asked.paths == []
    assert (world.value("size_bytes"), world.value("used_bytes")) == ("1.073741824e+09", None)
    assert world.value("info", device="loop1", fstype="block", encrypted="false") == "1.0"


async def test_an_encrypted_volume_has_the_counters_of_its_disk(world: World) -> None:
    world.stage(1, disk="7:9")
    world.volumes.look()
    await passing(1)
    assert world.value("reads_completed_total") == "1.0"
    assert world.value("info", device="loop9", fstype="ext4", encrypted="true") == "1.0"


async def test_another_disk_with_the_same_number_gives_no_counters(world: World) -> None:
    world.stage(1)
    world.volumes.look()
    await passing(1)
    world.disks.sequences["7:1"] = "another"
    assert world.value("reads_completed_total") is None
    assert world.value("used_bytes") == "300.0"


async def test_what_is_wrong_with_a_volume_is_told_once_by_status_and_reason(world: World) -> None:
    world.stage(1)
    world.asked.findings["id-1"] = tuple(Finding("degraded", "DeviceErrors", text) for text in ("one", "two"))
    world.volumes.look()
    await passing(1)
    assert world.value("health", status="degraded", reason="DeviceErrors") == "1.0"
    assert len([line for line in world.page() if line.startswith("aiocsi_volume_health")]) == 1


async def test_a_volume_that_was_refused_here_is_told_of_until_it_has_left(world: World) -> None:
    with pytest.raises(errors.Unavailable), world.refused.noting(refusals.STAGE, "id-1", "pvc-1"):
        raise errors.Unavailable("no disk", reason="DeviceMissing")
    assert world.value("health", status="inaccessible", reason="DeviceMissing") == "1.0"
    world.refused.forget("id-1")
    assert world.page() == []
