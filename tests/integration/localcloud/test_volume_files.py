"""Snapshots of real disks: what is in them, what they cost, and what a crash leaves."""

import asyncio
from pathlib import Path

import pytest

from localcloud.disks import files
from tools.services import localcloud
from tools.services.localcloud import Process

FAST = "--action-latency=0"
MIB = 1 << 20


def allocated_bytes(file: Path) -> int:
    return file.stat().st_blocks * 512


@pytest.mark.asyncio
async def test_a_restored_volume_has_the_data_of_the_moment_of_the_snapshot(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            droplet = process.ready.droplets[0]
            assert droplet.device_dir is not None
            volume_id = await api.create("data", 2)
            await api.act(volume_id, "attach", droplet_id=droplet.id)
            device = droplet.device_dir / "scsi-0DO_Volume_data"
            with device.open("r+b") as disk:
                disk.seek(MIB)
                disk.write(b"before")
                disk.flush()
                localcloud.sync(disk)
                made = (await api.ask("POST", f"/v2/volumes/{volume_id}/snapshots", {"name": "s"})).part("snapshot")
                disk.seek(MIB)
                disk.write(b"after!")
                disk.flush()
                localcloud.sync(disk)
            restored_id = await api.create("restored", 3, snapshot_id=made["id"])
            restored = state / "volumes" / f"{restored_id}.img"
            with restored.open("rb") as file:
                file.seek(MIB)
                assert file.read(6) == b"before"
            assert restored.stat().st_size == 2 * files.GIB  # it begins as large as the snapshot
            await api.act(restored_id, "resize", size_gigabytes=3)
            assert restored.stat().st_size == 3 * files.GIB
            assert allocated_bytes(restored) <= MIB


@pytest.mark.asyncio
async def test_the_api_answers_while_a_snapshot_is_copied(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            image = state / "volumes" / f"{volume_id}.img"
            with image.open("r+b") as file:
                for number in range(64):
                    file.seek(number * 8 * MIB)
                    file.write(b"x" * (4 * MIB))
            path = f"/v2/volumes/{volume_id}/snapshots"
            answers = 0
            async with asyncio.TaskGroup() as tasks:
                snapshot = tasks.create_task(api.ask("POST", path, {"name": "s"}))
                while not snapshot.done():
                    assert (await api.ask("GET", "/v2/volumes")).status == 200
                    answers += 1
            assert snapshot.result().status == 201
            assert answers >= 5


@pytest.mark.asyncio
async def test_what_a_killed_copy_left_is_removed(state: Path) -> None:
    with Process(state, FAST) as process:
        process.kill()
    half = state / "snapshots" / f"half.img{files.UNFINISHED}"
    whole = state / "snapshots" / "nobody-knows-it.img"
    for file in (half, whole):
        file.write_bytes(b"x")
    with Process(state, FAST):
        assert list((state / "snapshots").iterdir()) == []


@pytest.mark.asyncio
async def test_a_powered_off_droplet_has_no_devices_until_it_is_on_again(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            droplet = process.ready.droplets[0]
            assert droplet.device_dir is not None
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=droplet.id)
            path = f"/v2/droplets/{droplet.id}/actions"
            await api.ask("POST", path, {"type": "power_off"})
            assert list(droplet.device_dir.iterdir()) == []
            await api.ask("POST", path, {"type": "power_on"})
            assert [node.name for node in droplet.device_dir.iterdir()] == ["scsi-0DO_Volume_data"]


@pytest.mark.asyncio
async def test_a_deleted_droplet_leaves_no_devices_behind(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            droplet = process.ready.droplets[0]
            assert droplet.device_dir is not None
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=droplet.id)
            await api.ask("DELETE", f"/v2/droplets/{droplet.id}")
            assert list(droplet.device_dir.iterdir()) == []
