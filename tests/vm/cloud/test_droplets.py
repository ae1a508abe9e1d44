"""The embedded cloud with real droplets: what the API does to machines and their disks.

To boot a droplet costs more than most tests here, so nearly all share a cloud with two; each has a volume of its own.
"""

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from localcloud.guests import processes
from localcloud.guests.agent import Agent
from localcloud.guests.errors import OrderFailed, ProgramFailed
from localcloud.guests.guest import BOOT_SECONDS
from tests.harness import tutorial
from tests.harness.tutorial import Shell
from tests.vm.node.volumes import new_name
from tools.guest import droplets
from tools.services import localcloud
from tools.services.localcloud import Api, Process
from tools.venv import ROOT

pytestmark = [pytest.mark.asyncio, pytest.mark.xdist_group("droplets")]


class Cloud:
    """A cloud whose droplets, the first of them ``one`` and ``two``, outlive a kill of its process."""

    def __init__(self, state: Path, image: Path, ending: ExitStack) -> None:
        self._state = state
        self._words = ("--disks=qemu", f"--guest-image={image}", "--action-latency=0")
        self._ending = ending
        self.start()

    def start(self) -> None:
        """Start its process, and with it the droplets that do not run."""
        self.process = self._ending.enter_context(Process(self._state, *self._words))
        self.one, self.two = sorted(droplet.id for droplet in self.process.ready.droplets)[:2]

    def api(self) -> AbstractAsyncContextManager[Api]:
        """Give a client of it."""
        return localcloud.client(self.process)

    def folder(self, droplet_id: int) -> Path:
        """Return where a droplet has its root, its sockets and its process id."""
        return self._state / "droplets" / str(droplet_id)

    def pid(self, droplet_id: int) -> int:
        """Return the process id of a droplet that is on."""
        return int((self.folder(droplet_id) / "pid").read_text())

    @asynccontextmanager
    async def entered(self, droplet_id: int) -> AsyncIterator[Agent]:
        """Give the agent of a droplet, once it is up."""
        agent = Agent()
        try:
            await agent.connect(self.folder(droplet_id) / "agent", BOOT_SECONDS)
            yield agent
        finally:
            await agent.close()


class Named:
    """A volume's name, and what a droplet makes of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.link = f"/dev/disk/by-id/scsi-0DO_Volume_{name}"
        self.seen = f"udevadm wait --timeout=60 {self.link}; udevadm settle --timeout=60"
        self.gone = f"udevadm wait --timeout=60 --removed {self.link}"


@pytest.fixture(scope="module")
def cloud(guest_image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud that all tests here share."""
    with ExitStack() as ending:
        yield Cloud(tmp_path_factory.mktemp("cloud"), guest_image, ending)


@pytest.fixture
def volume() -> Named:
    """A volume that is still to be made."""
    return Named(new_name())


async def power(api: Api, droplet_id: int, kind: str) -> None:
    reply = await api.ask("POST", f"/v2/droplets/{droplet_id}/actions", {"type": kind})
    assert reply.status == 201, reply


async def trouble(api: Api, volume_id: str, **what: str | int) -> None:
    reply = await api.ask("POST", f"/_localcloud/volumes/{volume_id}/disk", what)
    assert reply.status == 204, reply


async def test_a_droplet_knows_who_it_is(cloud: Cloud) -> None:
    ask = (
        "for key in id region; do exec 3<>/dev/tcp/169.254.169.254/80;"
        ' printf "GET /metadata/v1/$key HTTP/1.1\\r\\nHost: 169.254.169.254\\r\\n\\r\\n" >&3; tail -n 1 <&3; echo; done'
    )
    for droplet_id in (cloud.one, cloud.two):
        async with cloud.entered(droplet_id) as droplet:
            assert await droplet.shell(ask) == f"{droplet_id}\nnyc1\n"
            told = await droplet.shell("cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_serial")
        assert told == f"DigitalOcean\n{droplet_id}\n"


async def test_a_volume_moves_between_droplets_with_its_data_and_grows_in_use(cloud: Cloud, volume: Named) -> None:
    async with cloud.api() as api:
        volume_id = await api.create(volume.name)
        await api.act(volume_id, "attach", droplet_id=cloud.one)
        async with cloud.entered(cloud.one) as droplet:
            await droplet.shell(
                f"{volume.seen}; mkfs.ext4 -q {volume.link}; mount {volume.link} /mnt; echo mine > /mnt/file"
            )
            await api.act(volume_id, "resize", size_gigabytes=2)
            size = f"$(blockdev --getsize64 {volume.link})"
            await droplet.shell(f"until [ {size} = {2 << 30} ]; do sleep 0.1; done; resize2fs {volume.link}")
            await droplet.shell("[ $(stat -f -c %b /mnt) -gt 400000 ]; umount /mnt")
            await api.act(volume_id, "detach", droplet_id=cloud.one)
            await droplet.shell(volume.gone)
        await api.act(volume_id, "attach", droplet_id=cloud.two)
        async with cloud.entered(cloud.two) as droplet:
            assert (
                await droplet.shell(f"{volume.seen}; mount {volume.link} /mnt; cat /mnt/file; umount /mnt") == "mine\n"
            )


async def test_a_disk_hangs_fails_and_is_slow_as_it_is_told(cloud: Cloud, volume: Named) -> None:
    write = f"dd if=/dev/zero of={volume.link} bs=64k count=1 oflag=direct status=none"
    async with cloud.api() as api, cloud.entered(cloud.one) as droplet:
        volume_id = await api.create(volume.name)
        await trouble(api, volume_id, writes="fail")  # before it is attached: it is so when it comes
        await api.act(volume_id, "attach", droplet_id=cloud.one)
        with pytest.raises(ProgramFailed, match="Input/output error"):
            await droplet.shell(f"{volume.seen}; {write}")
        await trouble(api, volume_id, writes="work", requests="hang")
        with pytest.raises(OrderFailed, match="still runs"):
            await droplet.output("sh", "-c", write, seconds=5)
        await trouble(api, volume_id, requests="work", bytes_per_second=1 << 30)
        await droplet.shell(write)


async def test_a_droplet_that_is_off_keeps_its_attachments_and_its_root(cloud: Cloud, volume: Named) -> None:
    async with cloud.api() as api:
        volume_id = await api.create(volume.name)
        await api.act(volume_id, "attach", droplet_id=cloud.one)
        async with cloud.entered(cloud.one) as droplet:
            await droplet.shell(f"{volume.seen}; echo here > /root/note; sync")
        await power(api, cloud.one, "power_off")
        assert not (cloud.folder(cloud.one) / "pid").exists()
        await api.act(volume_id, "resize", size_gigabytes=2)
        await power(api, cloud.one, "power_on")
        async with cloud.entered(cloud.one) as droplet:
            seen = await droplet.shell(f"{volume.seen}; cat /root/note; blockdev --getsize64 {volume.link}")
    assert seen == f"here\n{2 << 30}\n"


async def test_a_droplet_is_made_and_deleted_with_its_machine(cloud: Cloud) -> None:
    async with cloud.api() as api:
        reply = await api.ask("POST", "/v2/droplets", {"name": "new", "region": "nyc1", "size": "s", "image": 1})
        droplet_id = int(str(reply.part("droplet")["id"]))
        async with cloud.entered(droplet_id) as droplet:
            assert await droplet.output("cat", "/sys/class/dmi/id/product_serial") == f"{droplet_id}\n"
        pid = cloud.pid(droplet_id)
        await api.ask("DELETE", f"/v2/droplets/{droplet_id}")
    assert not cloud.folder(droplet_id).exists()
    assert not (Path("/proc") / str(pid)).exists()


async def test_a_killed_cloud_takes_its_droplets_over_and_starts_those_that_died(cloud: Cloud, volume: Named) -> None:
    pulled = Named(new_name())
    async with cloud.api() as api, cloud.entered(cloud.one) as droplet:
        kept = await api.create(volume.name)
        await api.act(kept, "attach", droplet_id=cloud.one)
        await api.act(await api.create(pulled.name), "attach", droplet_id=cloud.two)
        await droplet.shell(
            f"{volume.seen}; mkfs.ext4 -q {volume.link}; mount {volume.link} /mnt; echo mine > /mnt/file"
        )
    cloud.process.kill()
    pids = [cloud.pid(each) for each in (cloud.one, cloud.two)]
    await processes.Process(pids[1]).end()
    cloud.start()
    assert cloud.pid(cloud.one) == pids[0]
    async with cloud.api() as api:
        async with cloud.entered(cloud.one) as droplet:
            assert await droplet.shell("cat /mnt/file") == "mine\n"
            await api.act(kept, "detach", droplet_id=cloud.one)
            await droplet.shell(volume.gone)
        async with cloud.entered(cloud.two) as droplet:
            await droplet.shell(f"udevadm wait --timeout=60 {pulled.link}")


async def test_the_tutorial_does_and_shows_what_it_says(cloud: Cloud) -> None:
    async with cloud.entered(cloud.one), cloud.entered(cloud.two):  # as a reader waits for the prompt
        wrong = await asyncio.to_thread(play_tutorial, cloud)
    async with cloud.entered(cloud.one) as one, cloud.entered(cloud.two) as two:
        await one.shell("umount --lazy /mnt || true")
        await two.shell("umount /mnt || true")
    assert wrong == [], "\n".join(wrong)


def play_tutorial(cloud: Cloud) -> list[str]:
    """Type what the page says, in one's own shell and in the droplets; return what is not as it shows. Blocks."""
    make, *pages = tutorial.blocks(tutorial.FOLDER / "droplet-on-your-laptop.md")
    state = os.path.relpath(cloud.process.ready.state, ROOT)
    address = cloud.process.ready.address.rstrip("/")
    fill = {".droplets": state, ".venv/bin/python": sys.executable, "http://127.0.0.1:8080": address}
    wrong: list[str] = []
    greeting = droplets.guide(cloud.process.ready.model_dump_json())
    usual = greeting.replace(address, "http://127.0.0.1:8080").replace("TOKEN=test", "TOKEN=dop_v1_1924d6")
    assert tutorial.fits(make.shown or "", usual), usual
    copied = "\n".join(line for line in greeting.splitlines() if line.startswith(("  export ", "  api() ")))
    with ExitStack() as ending:
        shell = mine = ending.enter_context(Shell({"PATH": os.environ["PATH"]}))
        mine.type(copied)
        for block in pages:
            if "guests.console" in block.commands:
                argv = shlex.split(block.commands)
                for example, own in fill.items():
                    argv = [word.replace(example, own) for word in argv]
                shell = ending.enter_context(Shell({"PATH": os.environ["PATH"]}, argv))
                shell.type(
                    "stty -echo; PS1= exec bash --norc --noediting"
                )  # what follows is not echoed, and has no prompt
                continue
            at = mine if "$CLOUD" in block.commands else shell
            wrong += tutorial.wrong([block], at, fill)
    return wrong


async def test_a_cloud_that_is_told_to_end_leaves_no_machine(guest_image: Path, tmp_path: Path) -> None:
    with ExitStack() as ending:  # of its own: the machines need not have booted
        cloud = Cloud(tmp_path / "cloud", guest_image, ending)
        pids = [cloud.pid(each) for each in (cloud.one, cloud.two)]
        assert all((Path("/proc") / str(pid)).exists() for pid in pids)
        assert cloud.process.end() == 0
    assert not any((Path("/proc") / str(pid)).exists() for pid in pids)
