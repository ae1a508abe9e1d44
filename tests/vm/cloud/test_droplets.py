"""The embedded cloud with real droplets: what the API does to machines and their disks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from localcloud.guests import processes
from localcloud.guests.agent import Agent
from localcloud.guests.errors import OrderFailed, ProgramFailed
from localcloud.guests.guest import BOOT_SECONDS
from tests.harness import localcloud
from tests.harness.localcloud import Api, Process

pytestmark = pytest.mark.asyncio

NAME = "pvc-9f1c2d3e-0a1b-4c5d-8e7f-001122334455"
LINK = f"/dev/disk/by-id/scsi-0DO_Volume_{NAME}"
SEEN = f"udevadm wait --timeout=60 {LINK}; udevadm settle --timeout=60"
GONE = f"udevadm wait --timeout=60 --removed {LINK}"


@contextmanager
def cloud(state: Path, image: Path, *options: str) -> Iterator[Process]:
    words = ("--disks=qemu", f"--guest-image={image}", "--action-latency=0", *options)
    with Process(state, *words) as process:
        yield process


@asynccontextmanager
async def entered(process: Process, droplet_id: int) -> AsyncIterator[Agent]:
    agent = Agent()
    try:
        await agent.connect(process.state / "droplets" / str(droplet_id) / "agent", BOOT_SECONDS)
        yield agent
    finally:
        await agent.close()


async def power(api: Api, droplet_id: int, kind: str) -> None:
    reply = await api.ask("POST", f"/v2/droplets/{droplet_id}/actions", {"type": kind})
    assert reply.status == 201, reply


async def trouble(api: Api, volume_id: str, **what: str | int) -> None:
    reply = await api.ask("POST", f"/_localcloud/volumes/{volume_id}/disk", what)
    assert reply.status == 204, reply


async def test_a_volume_moves_between_droplets_with_its_data_and_grows_in_use(
    guest_image: Path, tmp_path: Path
) -> None:
    with cloud(tmp_path / "state", guest_image) as process:
        one, two = (droplet.id for droplet in process.ready.droplets)
        async with localcloud.client(process) as api:
            volume_id = await api.create(NAME)
            await api.act(volume_id, "attach", droplet_id=one)
            async with entered(process, one) as droplet:
                await droplet.shell(f"{SEEN}; mkfs.ext4 -q {LINK}; mount {LINK} /mnt; echo mine > /mnt/file")
                await api.act(volume_id, "resize", size_gigabytes=2)
                await droplet.shell(
                    f"until [ $(blockdev --getsize64 {LINK}) = {2 << 30} ]; do sleep 0.1; done; resize2fs {LINK}"
                )
                await droplet.shell("[ $(stat -f -c %b /mnt) -gt 400000 ]; umount /mnt")
                await api.act(volume_id, "detach", droplet_id=one)
                await droplet.shell(GONE)
            await api.act(volume_id, "attach", droplet_id=two)
            async with entered(process, two) as droplet:
                assert await droplet.shell(f"{SEEN}; mount {LINK} /mnt; cat /mnt/file") == "mine\n"


async def test_a_droplet_knows_who_it_is(guest_image: Path, tmp_path: Path) -> None:
    with cloud(tmp_path / "state", guest_image, "--droplets=1") as process:
        droplet_id = process.ready.droplets[0].id
        ask = (
            "for key in id region; do exec 3<>/dev/tcp/169.254.169.254/80;"
            ' printf "GET /metadata/v1/$key HTTP/1.1\\r\\nHost: metadata\\r\\n\\r\\n" >&3; tail -n 1 <&3; echo; done'
        )
        async with entered(process, droplet_id) as droplet:
            assert await droplet.shell(ask) == f"{droplet_id}\nnyc1\n"
            told = await droplet.shell("cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_serial")
    assert told == f"DigitalOcean\n{droplet_id}\n"


async def test_a_droplet_that_is_off_keeps_its_attachments_and_its_root(guest_image: Path, tmp_path: Path) -> None:
    with cloud(tmp_path / "state", guest_image, "--droplets=1") as process:
        droplet_id = process.ready.droplets[0].id
        async with localcloud.client(process) as api:
            volume_id = await api.create(NAME)
            await api.act(volume_id, "attach", droplet_id=droplet_id)
            async with entered(process, droplet_id) as droplet:
                await droplet.shell(f"{SEEN}; echo here > /root/note; sync")
            await power(api, droplet_id, "power_off")
            assert not (process.state / "droplets" / str(droplet_id) / "pid").exists()
            await api.act(volume_id, "resize", size_gigabytes=2)
            await power(api, droplet_id, "power_on")
            async with entered(process, droplet_id) as droplet:
                seen = await droplet.shell(f"{SEEN}; cat /root/note; blockdev --getsize64 {LINK}")
    assert seen == f"here\n{2 << 30}\n"


async def test_a_droplet_is_made_and_deleted_with_its_machine(guest_image: Path, tmp_path: Path) -> None:
    with cloud(tmp_path / "state", guest_image, "--droplets=0") as process:
        async with localcloud.client(process) as api:
            reply = await api.ask("POST", "/v2/droplets", {"name": "new", "region": "nyc1", "size": "s", "image": 1})
            droplet_id = int(str(reply.part("droplet")["id"]))
            async with entered(process, droplet_id) as droplet:
                assert await droplet.output("cat", "/sys/class/dmi/id/product_serial") == f"{droplet_id}\n"
            await api.ask("DELETE", f"/v2/droplets/{droplet_id}")
            assert not (process.state / "droplets" / str(droplet_id)).exists()


async def test_a_disk_hangs_fails_and_is_slow_as_it_is_told(guest_image: Path, tmp_path: Path) -> None:
    with cloud(tmp_path / "state", guest_image, "--droplets=1") as process:
        droplet_id = process.ready.droplets[0].id
        write = f"dd if=/dev/zero of={LINK} bs=64k count=1 oflag=direct status=none"
        async with localcloud.client(process) as api, entered(process, droplet_id) as droplet:
            volume_id = await api.create(NAME)
            await trouble(api, volume_id, writes="fail")  # before it is attached: it is so when it comes
            await api.act(volume_id, "attach", droplet_id=droplet_id)
            with pytest.raises(ProgramFailed, match="Input/output error"):
                await droplet.shell(f"{SEEN}; {write}")
            await trouble(api, volume_id, writes="work", requests="hang")
            with pytest.raises(OrderFailed, match="still runs"):
                await droplet.output("sh", "-c", write, seconds=5)
            await trouble(api, volume_id, requests="work", bytes_per_second=1 << 30)
            await droplet.shell(write)


async def test_a_killed_cloud_takes_its_droplets_over_and_starts_those_that_died(
    guest_image: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with cloud(state, guest_image) as process:
        one, two = (droplet.id for droplet in process.ready.droplets)
        async with localcloud.client(process) as api, entered(process, one) as droplet:
            kept, pulled = await api.create(NAME), await api.create("pulled")
            await api.act(kept, "attach", droplet_id=one)
            await api.act(pulled, "attach", droplet_id=two)
            await droplet.shell(f"{SEEN}; mkfs.ext4 -q {LINK}; mount {LINK} /mnt; echo mine > /mnt/file")
        process.kill()
        pids = [int((state / "droplets" / str(each) / "pid").read_text()) for each in (one, two)]
        await processes.Process(pids[1]).end()
    with cloud(state, guest_image) as process:
        assert int((state / "droplets" / str(one) / "pid").read_text()) == pids[0]
        async with localcloud.client(process) as api:
            async with entered(process, one) as droplet:
                assert await droplet.shell("cat /mnt/file") == "mine\n"
                await api.act(kept, "detach", droplet_id=one)
                await droplet.shell(GONE)
            async with entered(process, two) as droplet:
                await droplet.shell("udevadm wait --timeout=60 /dev/disk/by-id/scsi-0DO_Volume_pulled")


async def test_a_cloud_that_is_told_to_end_leaves_no_machine(guest_image: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with cloud(state, guest_image) as process:
        pids = [int((state / "droplets" / str(each.id) / "pid").read_text()) for each in process.ready.droplets]
        assert all((Path("/proc") / str(pid)).exists() for pid in pids)
        assert process.end() == 0
    assert not any((Path("/proc") / str(pid)).exists() for pid in pids)
