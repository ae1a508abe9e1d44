"""What a guest sees of its volumes, and what can be done to them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from csi_proto.csi import v1 as csi
from localcloud.guests.drives import Drive
from localcloud.guests.errors import GuestError, OrderFailed, ProgramFailed
from localcloud.guests.machine import Machine
from localcloud.guests.server import DiskServer
from tests.vm.conftest import MakeGuest
from tools.csi.client import Client
from tools.guest import guests

pytestmark = pytest.mark.asyncio

NAME = "pvc-9f1c2d3e-0a1b-4c5d-8e7f-001122334455"  # 40 characters: page 0x80 has no room for it
LINK = f"/dev/disk/by-id/scsi-0DO_Volume_{NAME}"
SETTLE = "udevadm settle --timeout=60"
GIB = 1 << 30

MakeDisk = Callable[[str], Path]


async def test_udev_links_an_attached_volume_by_its_whole_name_until_it_is_detached(
    make_guest: MakeGuest, disk: MakeDisk
) -> None:
    guest = await make_guest("a")
    drive = Drive(NAME, disk("one"))
    await guest.drives.attach(drive)
    await guest.drives.attach(drive)
    assert await guest.drives.names() == {NAME}
    page = await guest.agent.shell(
        f"udevadm wait --timeout=60 {LINK}; sg_vpd --page=di --hex --hex $(readlink -f {LINK})"
    )
    assert "00 83 00 2c 02 00 00 28" in page
    await guest.drives.detach(NAME)
    await guest.drives.detach(NAME)
    assert await guest.drives.names() == frozenset()
    await guest.agent.shell(f"udevadm wait --timeout=60 --removed {LINK}")


@pytest.mark.parametrize("announced", [pytest.param(True, id="announced"), pytest.param(False, id="asked for")])
async def test_a_guest_learns_that_its_volume_has_grown(make_guest: MakeGuest, disk: MakeDisk, announced: bool) -> None:
    guest = await make_guest("a", Machine(announces_sizes=announced))
    await guest.drives.attach(Drive(NAME, disk("one")))
    await guest.agent.shell(f"udevadm wait --timeout=60 {LINK}")
    await guest.drives.resize(NAME, 2 * GIB)
    rescan = "" if announced else f"echo 1 > /sys/class/block/$(basename $(readlink -f {LINK}))/device/rescan;"
    if not announced:
        await guest.agent.shell("sleep 2")
        assert int(await guest.agent.output("blockdev", "--getsize64", LINK)) == GIB
    await guest.agent.shell(f"{rescan} until [ $(blockdev --getsize64 {LINK}) = {2 * GIB} ]; do sleep 0.1; done")


async def test_a_volume_is_refused_to_a_second_guest(make_guest: MakeGuest, disk: MakeDisk) -> None:
    first, second = await make_guest("a"), await make_guest("b")
    drive = Drive(NAME, disk("one"))
    await first.drives.attach(drive)
    with pytest.raises(GuestError, match="lock"):
        await second.drives.attach(drive)
    await first.drives.detach(NAME)
    await second.drives.attach(drive)
    await second.agent.shell(f"udevadm wait --timeout=60 {LINK}")


async def test_a_volume_that_hangs_holds_up_its_reader_until_it_is_let_go(
    make_guest: MakeGuest, disk: MakeDisk
) -> None:
    guest = await make_guest("a")
    await guest.drives.attach(Drive(NAME, disk("one")))
    await guest.agent.shell(f"udevadm wait --timeout=60 {LINK}; {SETTLE}")
    await guest.drives.hang(NAME)
    read = f"dd if={LINK} of=/dev/null bs=4096 count=1 iflag=direct status=none"
    with pytest.raises(OrderFailed, match="still runs"):
        await guest.agent.output("bash", "-c", read, seconds=5)
    await guest.drives.hold(NAME, bytes_per_second=0)
    await guest.agent.shell(read)


async def test_a_served_volume_hangs_altogether_until_its_server_goes_on(make_guest: MakeGuest, disk: MakeDisk) -> None:
    async with DiskServer(disk("one")) as server:
        guest = await make_guest("a")
        await guest.drives.attach(Drive(NAME, server.socket, served=True))
        await guest.agent.shell(f"udevadm wait --timeout=60 {LINK}; {SETTLE}")
        server.hang()
        with pytest.raises(OrderFailed, match="still runs"):
            await guest.agent.shell(f"dd if=/dev/zero of={LINK} bs=4096 count=1 conv=fsync status=none", seconds=5)
        server.go_on()
        await guest.agent.shell("sync")
        await guest.drives.detach(NAME)


async def test_io_errors_come_and_go_by_kind(make_guest: MakeGuest, disk: MakeDisk) -> None:
    guest = await make_guest("a")
    await guest.drives.attach(Drive(NAME, disk("one")))
    await guest.agent.shell(f"udevadm wait --timeout=60 {LINK}; {SETTLE}")
    write = f"dd if=/dev/zero of={LINK} bs=4096 count=1 oflag=direct status=none"
    read = f"dd if={LINK} of=/dev/null bs=4096 count=1 iflag=direct status=none"
    await guest.drives.fail(NAME, "write")
    await guest.agent.shell(read)
    with pytest.raises(ProgramFailed, match="Input/output error"):
        await guest.agent.shell(write)
    await guest.drives.fail(NAME, "read", "flush")
    with pytest.raises(ProgramFailed, match="Input/output error"):
        await guest.agent.shell(read)
    await guest.drives.fail(NAME)
    await guest.agent.shell(f"{write}; {read}; sync")


async def test_two_guests_from_one_state_draw_different_random_numbers_and_have_the_hosts_time(
    make_guest: MakeGuest,
) -> None:
    first, second = await make_guest("a"), await make_guest("b")
    draw = "head -c 16 /dev/urandom | od -An -tx1"
    drawn, clocks = await asyncio.gather(
        asyncio.gather(first.agent.shell(draw), second.agent.shell(draw)),
        asyncio.gather(first.agent.shell("date +%Y"), second.agent.shell("date +%Y")),
    )
    assert drawn[0] != drawn[1]
    assert clocks[0] == clocks[1]


async def test_the_node_service_in_a_guest_answers_the_host(make_guest: MakeGuest, tmp_path: Path) -> None:
    guest = await make_guest("a")
    socket = tmp_path / "csi.sock"
    await guests.start_node(guest, socket, node_id="410000007")
    async with Client(socket) as client:
        info = await client.call(csi.NodeGetInfoRequest(), csi.NodeGetInfoResponse)
    assert info.node_id == "410000007"


async def test_the_agent_tells_of_a_program_that_is_not_there_and_goes_on(make_guest: MakeGuest) -> None:
    guest = await make_guest("a")
    with pytest.raises(OrderFailed, match="No such file"):
        await guest.agent.run("no-such-program")
    await guest.agent.write("/tmp/a/b", b"\0\xff")
    assert await guest.agent.read("/tmp/a/b") == b"\0\xff"
    with pytest.raises(ProgramFailed, match="status 1"):
        await guest.agent.output("false")
    assert await guest.agent.output("echo", "here") == "here\n"
