"""What hangs or fails: the answer comes, the rest of the node goes on, and nothing is lost."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from grpclib.const import Status

from common import errors
from common.tasks import Tasks
from csi_proto.csi import v1 as csi
from node.records.requests import VolumePath
from node.records.state import Published, Staged
from tests.harness.hung import unanswered
from tests.integration.node.conftest import Bench, make_bench
from tests.integration.node.disks import GIB, Disk, Disks
from tools.csi.client import Client
from tools.processes import traces
from tools.processes.program import Program, until
from tools.processes.run import run
from tools.services.stack import Service

pytestmark = pytest.mark.every_python  # each version starts and ends programs in its own way

PROBES = 20

HOUR = 3600


def fake(folder: Path, program: str, script: str) -> None:
    """Put a program of that name before the real one."""
    folder.mkdir(exist_ok=True)
    path = folder / program
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest_asyncio.fixture
async def service(volumes: Disks, request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """A node process that finds fake programs first, and lets mkfs run for 2 seconds, or for the test's parameter."""
    settings = {
        "AIOCSI_DEVICE_DIR": str(volumes.devices),
        "AIOCSI_STATE_DIR": str(volumes.folder / "state"),
        "AIOCSI_KUBELET_DIR": str(volumes.folder),
        "AIOCSI_FORMAT_SECONDS": str(getattr(request, "param", 2)),
        "AIOCSI_DEVICE_WAIT_SECONDS": "0",
        "PATH": f"{volumes.folder / 'fakes'}:{os.environ['PATH']}",
    }
    made = Service("node", "node", volumes.folder / "process", settings)
    try:
        yield made
    finally:
        made.kill()
        commits = Tasks()
        await make_bench(volumes.folder, volumes, commits).undo()


def stage_request(folder: Path, disk: Disk, kind: str) -> csi.NodeStageVolumeRequest:
    return disk.asked(str(folder / "staging" / disk.id), kind=kind).stage()


def sleeping(disks: Disks) -> list[str]:
    return [process.command for process in traces.find(disks.folder).processes if "sleep" in process.command]


def made_target(bench: Bench, disk: Disk) -> Path:
    target = Path(bench.target(disk))
    target.mkdir(parents=True)
    return target


def pull_the_plug(disks: Disks, disk: Disk) -> Disk:
    """Detach under the mount, and attach the volume's data again; its device has another number then."""
    data = disk.file.with_suffix(".copy")
    run("cp", "--sparse=always", str(disk.file), str(data))
    disks.forget(disk)
    disk.node.unlink()
    disk.file.unlink()
    data.rename(disk.file)
    return disks.attach(disk.file)


@pytest.mark.asyncio
@pytest.mark.parametrize("service", [HOUR], indirect=True, ids=["in time"])
async def test_a_program_that_hangs_costs_one_volume_and_not_the_node(service: Service, volumes: Disks) -> None:
    end = volumes.folder / "end"
    os.mkfifo(end)
    fake(volumes.folder / "fakes", "mkfs.ext4", f"read -r _ <{end}; exit 1")
    hung, other = volumes.blank(), volumes.blank()
    await service.up()
    async with Client(service.socket) as client, asyncio.TaskGroup() as group:
        request = stage_request(volumes.folder, hung, "ext4")
        refusal = group.create_task(client.refusal(request, seconds=HOUR))
        with await asyncio.to_thread(end.open, "w"):  # opens when mkfs does, which hangs until it is closed
            for _ in range(PROBES):
                await client.call(csi.ProbeRequest(), csi.ProbeResponse)
            await client.call(stage_request(volumes.folder, other, "xfs"), csi.NodeStageVolumeResponse)
            assert not refusal.done()
        _, message = await refusal
    assert "mkfs.ext4" in message


@pytest.mark.asyncio
async def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(
    service: Service, volumes: Disks
) -> None:
    fake(volumes.folder / "fakes", "mkfs.ext4", "sleep 600 & sleep 600")
    await service.up()
    async with Client(service.socket) as client:
        code, message = await client.refusal(stage_request(volumes.folder, volumes.blank(), "ext4"))
    assert (code, "made no progress for 2 s" in message) == (Status.UNAVAILABLE, True)
    await until(lambda: None if sleeping(volumes) else True, 30)  # killed they are; the kernel takes a moment


@pytest.mark.asyncio
async def test_a_volume_whose_mkfs_was_killed_is_formatted_by_the_next_attempt(
    service: Service, volumes: Disks
) -> None:
    real = run("which", "mkfs.ext4").strip()
    half_done = 'for device; do :; done; echo data | dd of="$device" bs=1M seek=8 conv=notrunc; sleep 600'
    script = f'[ -e "$0.second" ] && exec {real} "$@"; touch "$0.second"; {half_done}'
    fake(volumes.folder / "fakes", "mkfs.ext4", script)
    disk = volumes.blank()
    await service.up()
    async with Client(service.socket) as client:
        request = stage_request(volumes.folder, disk, "ext4")
        assert (await client.refusal(request))[0] is Status.UNAVAILABLE
        await client.call(request, csi.NodeStageVolumeResponse)


@pytest.mark.asyncio
async def test_a_program_that_says_too_much_does_not_fill_the_memory(service: Service, volumes: Disks) -> None:
    fake(volumes.folder / "fakes", "blkid", "head -c 200000000 /dev/zero")
    disk = volumes.blank()
    await service.up()
    async with Client(service.socket) as client:
        await client.call(stage_request(volumes.folder, disk, "ext4"), csi.NodeStageVolumeResponse)
    peak = next(line for line in Path(f"/proc/{service.pid}/status").read_text().splitlines() if "VmHWM" in line)  # noqa: ASYNC240  # /proc
    assert int(peak.split()[1]) < 64 << 10


@pytest.mark.asyncio
async def test_a_file_system_that_does_not_answer_costs_one_thread(bench: Bench) -> None:
    disk = bench.disks.blank()
    target = made_target(bench, disk)
    with unanswered(target):
        number = (await bench.host.mounts.table()).at(str(target))[-1].number
        await bench.host.remember(Staged(disk.id, disk.name, str(target), number, "ext4"))
        for _ in range(3):
            with pytest.raises(errors.OutcomeUnknown, match="did not answer"):
                await bench.parts.stats.usage(VolumePath(disk.id, str(target)))
        assert bench.host.threads.hung == 1
        reasons = [found.reason for found in await bench.parts.health.of_volume(VolumePath(disk.id, str(target)))]
        assert "FilesystemHung" in reasons
        assert "CallsHang" in [found.reason for found in await bench.parts.health.of_storage()]
        other = bench.disks.blank()
        await bench.stage(other)


@pytest.mark.asyncio
async def test_a_dead_mount_is_unpublished(bench: Bench) -> None:
    disk = bench.disks.blank()
    target = made_target(bench, disk)
    with unanswered(target) as end:
        os.close(end)
        with pytest.raises(OSError, match="not connected"):
            os.statvfs(target)
        await bench.host.remember(Published(disk.id, str(target), block=False, read_only=False))
        await bench.unpublish(disk)
        assert traces.mounts(bench.folder) == ()
        assert not os.path.lexists(target)  # noqa: ASYNC240  # a local folder


@pytest.mark.asyncio
async def test_a_busy_target_is_not_unpublished_and_its_user_is_named(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    target = await bench.publish(disk)
    with (target / "file").open("w"):
        with pytest.raises(errors.Unavailable, match=rf"pid {os.getpid()}\)"):
            await bench.unpublish(disk)
        assert len(traces.mounts(bench.folder)) == 2
    await bench.unpublish(disk)


@pytest.mark.asyncio
async def test_a_volume_is_not_unstaged_while_another_mount_namespace_holds_it(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    argv = ["unshare", "--mount", "sh", "-c", "echo; exec sleep 600"]  # a pod's mount namespace
    holder = Program("holder", argv, os.environ, bench.folder / "holder.log", bench.folder)
    holder.start()
    try:
        await holder.until(lambda: holder.output() or None, "mount namespace", seconds=10)
        assert f"pid {holder.pid}" in str(await bench.unstage_refusal(disk))
    finally:
        holder.kill()
    assert traces.mounts(bench.folder) == ()
    await bench.unstage(disk)


@pytest.mark.asyncio
async def test_a_journal_that_cannot_be_written_leaves_the_volume_as_it_was(volumes: Disks, bench: Bench) -> None:
    disk = volumes.blank()
    before = disk.digest()
    full = volumes.folder / "full"
    full.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=80k", "none", str(full))
    commits = Tasks()
    try:
        other = make_bench(volumes.folder, volumes, commits, AIOCSI_STATE_DIR=str(full / "state"))
        with pytest.raises(OSError, match="No space"):
            (full / "ballast").write_bytes(bytes(1 << 20))
        assert "cannot write the node's journal" in str(await other.refusal(disk))
    finally:
        run("umount", str(full))
    assert disk.digest() == before
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
async def test_a_volume_that_was_detached_under_its_staging_mount_is_mounted_anew(bench: Bench, kind: str) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk, kind)
    run("sync", "-f", bench.staging_path(disk))
    again = pull_the_plug(bench.disks, disk)
    await bench.stage(again, kind)
    assert [mount.device for mount in traces.mounts(bench.folder)] == [again.number]


@pytest.mark.asyncio
async def test_a_volume_that_was_detached_under_a_pod_is_refused_until_the_pod_is_gone(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    await bench.publish(disk)
    again = pull_the_plug(bench.disks, disk)
    error = await bench.refusal(again)
    assert "detached while it was mounted" in str(error)
    reasons = [found.reason for found in await bench.parts.health.of_volume(VolumePath(disk.id, bench.target(disk)))]
    assert "DeviceReplaced" in reasons
    await bench.unpublish(disk)
    await bench.stage(again)


@pytest.mark.asyncio
async def test_two_stages_of_one_volume_at_once_mount_it_once(bench: Bench) -> None:
    disk = bench.disks.blank()
    ends = await asyncio.gather(*(bench.stage(disk) for _ in range(5)), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Busy"] * 4 + ["NoneType"]
    assert len(traces.mounts(bench.folder)) == 1


@pytest.mark.asyncio
async def test_fifty_volumes_at_once_are_all_staged_and_unstaged(bench: Bench) -> None:
    many = [bench.disks.blank() for _ in range(50)]
    await asyncio.gather(*(bench.stage(disk) for disk in many))
    assert len(traces.mounts(bench.folder)) == 50
    await asyncio.gather(*(bench.unstage(disk) for disk in many))
    assert traces.mounts(bench.folder) == ()


@pytest.mark.asyncio
async def test_what_is_written_until_the_unpublish_is_on_the_disk_after_the_unstage(bench: Bench) -> None:
    disk = bench.disks.blank()
    await bench.stage(disk)
    target = await bench.publish(disk)
    data = os.urandom(32 << 20)
    (target / "file").write_bytes(data)
    await bench.unpublish(disk)
    await bench.unstage(disk)
    copy = bench.disks.file(GIB)
    run("cp", "--sparse=always", str(disk.file), str(copy))
    other = bench.disks.attach(copy)
    await bench.stage(other)
    assert (Path(bench.staging_path(other)) / "file").read_bytes() == data
