"""Real disks: what an attach, a detach, a resize and a crash do to devices and data."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcloud.disks import loopdevices, throttle
from tools.processes.run import run
from tools.services import localcloud
from tools.services.localcloud import Process

GIB = 1 << 30
FAST = "--action-latency=0"


def device(process: Process, droplet: int, name: str) -> Path:
    folder = process.ready.droplets[droplet].device_dir
    assert folder is not None
    return folder / f"scsi-0DO_Volume_{name}"


def size_bytes(node: Path) -> int:
    return int(run("blockdev", "--getsize64", str(node)))


@contextmanager
def mounted(node: Path, at: Path) -> Iterator[Path]:
    at.mkdir()
    run("mount", str(node), str(at))
    try:
        yield at
    finally:
        run("umount", str(at))


@pytest.mark.asyncio
async def test_an_attached_disk_is_seen_by_its_droplet_alone_and_keeps_its_data(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            one, two = (droplet.id for droplet in process.ready.droplets)
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=one)
            node = device(process, 0, "data")
            assert node.is_block_device()
            assert size_bytes(node) == GIB
            assert not device(process, 1, "data").exists()
            node.write_bytes(b"mine")
            await api.act(volume_id, "detach", droplet_id=one)
            assert not node.exists()
            await api.act(volume_id, "attach", droplet_id=two)
            with device(process, 1, "data").open("rb") as again:
                assert again.read(4) == b"mine"


@pytest.mark.asyncio
async def test_a_mounted_disk_grows_in_place(state: Path, tmp_path: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=process.ready.droplets[0].id)
            node = device(process, 0, "data")
            run("mkfs.ext4", "-q", str(node))
            with mounted(node, tmp_path / "mnt"):
                await api.act(volume_id, "resize", size_gigabytes=2)
                assert size_bytes(node) == 2 * GIB


@pytest.mark.asyncio
async def test_a_killed_cloud_comes_back_with_the_disk_still_mounted(state: Path, tmp_path: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=process.ready.droplets[0].id)
            node = device(process, 0, "data")
            run("mkfs.ext4", "-q", str(node))
            with mounted(node, tmp_path / "mnt") as folder:
                before = node.stat().st_rdev
                process.kill()
                (folder / "file").write_text("written while the cloud was down")
                with Process(state, FAST) as again:
                    assert device(again, 0, "data").stat().st_rdev == before
                    assert (folder / "file").read_text() == "written while the cloud was down"
    with Process(state, FAST):  # its SIGTERM lets go of what was mounted at the last one
        pass


@pytest.mark.asyncio
async def test_a_kill_leaves_no_device_that_the_next_start_does_not_want(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=process.ready.droplets[0].id)
            process.kill()
    orphan = state / "volumes" / "orphan.img"
    orphan.write_bytes(b"\0" * 4096)
    loopdevices.bind(orphan)
    with Process(state, FAST):
        assert list(loopdevices.bound_below(state / "volumes").values()) == [
            str(state / "volumes" / f"{volume_id}.img")
        ]
        assert not orphan.exists()


@pytest.mark.asyncio
async def test_a_detach_under_a_mount_cuts_the_old_droplet_off_and_keeps_the_data(state: Path, tmp_path: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            one, two = (droplet.id for droplet in process.ready.droplets)
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=one)
            node = device(process, 0, "data")
            run("mkfs.ext4", "-q", str(node))
            with mounted(node, tmp_path / "old") as old:
                (old / "file").write_text("synced")
                os.sync()
                await api.act(volume_id, "detach", droplet_id=one)
                await api.act(volume_id, "attach", droplet_id=two)
                (old / "late").write_text("written into nothing")
                with mounted(device(process, 1, "data"), tmp_path / "new") as new:
                    assert sorted(file.name for file in new.iterdir()) == ["file", "lost+found"]
                    assert (new / "file").read_text() == "synced"


@pytest.mark.asyncio
async def test_sigterm_lets_devices_go_but_not_mounted_ones(state: Path, tmp_path: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            used, idle = await api.create("used"), await api.create("idle")
            for volume_id in (used, idle):
                await api.act(volume_id, "attach", droplet_id=process.ready.droplets[0].id)
            node = device(process, 0, "used")
            run("mkfs.ext4", "-q", str(node))
            with mounted(node, tmp_path / "mnt"):
                assert process.end() == 0
                left = loopdevices.bound_below(state / "volumes")
                assert [Path(file).stem for file in left.values()] == [used]
    with Process(state, FAST) as process:
        assert device(process, 0, "idle").is_block_device()
        assert device(process, 0, "used").is_block_device()


@pytest.mark.asyncio
async def test_the_data_of_a_deleted_volume_is_gone(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            assert (await api.ask("DELETE", f"/v2/volumes/{volume_id}")).status == 204
            assert list((state / "volumes").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP])
def test_an_ephemeral_cloud_leaves_nothing(state: Path, number: signal.Signals) -> None:
    with Process(state, FAST, "--ephemeral") as process:
        process.signal(number)
        assert process.end() == 0
    assert not state.exists()


@pytest.mark.asyncio
async def test_an_attach_that_is_under_way_at_the_end_leaks_no_device(state: Path) -> None:
    with Process(state, "--action-latency=0.1", "--droplets=20", "--ephemeral") as process:
        async with localcloud.client(process) as api:
            for number, droplet in enumerate(process.ready.droplets):
                volume_id = await api.create(f"v{number}")
                body = {"type": "attach", "droplet_id": droplet.id}
                await api.ask("POST", f"/v2/volumes/{volume_id}/actions", body)
        assert process.end() == 0
    assert loopdevices.bound_below(state / "volumes") == {}


@pytest.mark.asyncio
async def test_writes_to_a_broken_disk_are_errors_until_it_works_again(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=process.ready.droplets[0].id)
            path = f"/_localcloud/volumes/{volume_id}/disk"
            device_fd = os.open(device(process, 0, "data"), os.O_RDWR | os.O_SYNC)
            try:
                os.write(device_fd, b"a" * 4096)
                assert (await api.ask("POST", path, {"writes": "fail"})).status == 204
                with pytest.raises(OSError, match="Input/output error"):
                    os.write(device_fd, b"b" * 4096)
                assert (await api.ask("POST", path, {"writes": "work"})).status == 204
                os.write(device_fd, b"c" * 4096)
            finally:
                os.close(device_fd)


@pytest.mark.asyncio
async def test_a_broken_disk_is_detached_and_deleted_like_any_other(state: Path) -> None:
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            await api.ask("POST", f"/_localcloud/volumes/{volume_id}/disk", {"writes": "fail"})
            for kind in ("attach", "detach"):
                await api.act(volume_id, kind, droplet_id=process.ready.droplets[0].id)
            assert (await api.ask("DELETE", f"/v2/volumes/{volume_id}")).status == 204
            assert list((state / "volumes").iterdir()) == []


@pytest.mark.asyncio
async def test_a_slow_disk_is_slow_on_every_device_until_it_is_set_free(state: Path) -> None:
    if not throttle.CONTROLLER.is_dir():
        pytest.skip("no blkio controller of cgroup v1 on this host")
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            droplet_id = process.ready.droplets[0].id
            path = f"/_localcloud/volumes/{volume_id}/disk"
            assert (await api.ask("POST", path, {"bytes_per_second": 65536})).status == 204
            await api.act(volume_id, "attach", droplet_id=droplet_id)
            number = device_number(device(process, 0, "data"))
            assert throttle.limits(number) == [65536, 65536]
            await api.act(volume_id, "detach", droplet_id=droplet_id)
            assert throttle.limits(number) == []
            await api.act(volume_id, "attach", droplet_id=droplet_id)
            number = device_number(device(process, 0, "data"))
            assert throttle.limits(number) == [65536, 65536]
            assert (await api.ask("POST", path, {"bytes_per_second": 0})).status == 204
            assert throttle.limits(number) == []


@pytest.mark.asyncio
async def test_a_cloud_that_was_killed_leaves_no_slow_device_behind(state: Path) -> None:
    if not throttle.CONTROLLER.is_dir():
        pytest.skip("no blkio controller of cgroup v1 on this host")
    with Process(state, FAST) as process:
        async with localcloud.client(process) as api:
            volume_id = await api.create("data")
            await api.act(volume_id, "attach", droplet_id=process.ready.droplets[0].id)
            await api.ask("POST", f"/_localcloud/volumes/{volume_id}/disk", {"bytes_per_second": 65536})
            number = device_number(device(process, 0, "data"))
        process.kill()
    assert throttle.limits(number) == [65536, 65536]
    with Process(state, FAST):
        assert throttle.limits(number) == []


def device_number(path: Path) -> str:
    status = path.stat()
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
