"""Which device is the volume: proven by what the disk says of itself, whatever its link or its letter say."""

import asyncio

import pytest
from grpclib.const import Status

from tests.vm.node.conftest import MakeDroplet, MakeVolume
from tests.vm.node.droplet import Droplet
from tests.vm.node.volumes import Volume

pytestmark = pytest.mark.asyncio

ALIKE = "pvc-9f1c2d3e-0a1b-4c5d-8e7f-0011223344"  # 38 characters: page 0x80, cut at 36, is the same for all below
PATIENCE_SECONDS = 60.0  # of a caller; the node waits a third of it for the right device, as SETTINGS says


async def serial(droplet: Droplet, volume: Volume) -> bytes:
    """Return VPD page 0x80 of the staged volume's disk."""
    return await droplet.agent.read(f"/sys/class/block/{await droplet.device_at(volume.staging_path)}/device/vpd_pg80")


async def attached(droplet: Droplet, *volumes: Volume) -> None:
    """Attach volumes, and wait until udev has made their links."""
    for volume in volumes:
        await droplet.attach(volume)
        await droplet.agent.shell(f"udevadm wait --timeout=120 {volume.link}", 130)
    await without_more_links(droplet)


async def without_more_links(droplet: Droplet) -> None:
    """Let udev make no link any more, once it has done what it has begun."""
    await droplet.agent.shell("udevadm settle --timeout=120; udevadm control --stop-exec-queue", 130)


@pytest.mark.parametrize("more", [pytest.param("", id="40 characters"), pytest.param("a" * 24, id="64 characters")])
async def test_volumes_whose_names_differ_only_at_the_end_are_told_apart(
    make_droplet: MakeDroplet, make_volume: MakeVolume, more: str
) -> None:
    droplet = await make_droplet()
    volumes = [make_volume(name=f"{ALIKE}{more}{end}") for end in ("55", "66")]
    for volume in volumes:
        await droplet.up(volume)
    assert [await droplet.name_of_device_at(volume.target) for volume in volumes] == [each.name for each in volumes]
    assert len({await serial(droplet, volume) for volume in volumes}) == 1


async def test_a_volume_is_waited_for_and_needs_no_link(make_droplet: MakeDroplet, make_volume: MakeVolume) -> None:
    droplet, volume = await make_droplet(), make_volume()
    await without_more_links(droplet)
    async with asyncio.TaskGroup() as group:
        staging = group.create_task(droplet.call(volume.stage()))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(staging), 2)
        await droplet.attach(volume)
    assert await droplet.name_of_device_at(volume.staging_path) == volume.name
    assert (await droplet.agent.run("test", "-e", volume.link)).status != 0


async def test_links_that_were_swapped_lead_nobody_astray(make_droplet: MakeDroplet, make_volume: MakeVolume) -> None:
    droplet, volumes = await make_droplet(), [make_volume(), make_volume()]
    await attached(droplet, *volumes)
    first, second = [await droplet.agent.output("readlink", "-f", volume.link) for volume in volumes]
    await droplet.agent.shell(f"ln -sfn {second.strip()} {volumes[0].link}; ln -sfn {first.strip()} {volumes[1].link}")
    for volume in volumes:
        await droplet.until_done(volume.stage())
        assert await droplet.name_of_device_at(volume.staging_path) == volume.name


async def test_a_stale_link_is_refused_until_the_volume_itself_is_there(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplet, volume, other = await make_droplet(), make_volume(), make_volume()
    await attached(droplet, other)
    await droplet.agent.shell(f"ln -sfn $(readlink -f {other.link}) {volume.link}")
    code, message = await droplet.refusal(volume.stage(), seconds=PATIENCE_SECONDS)
    assert (code, other.name in message) == (Status.FAILED_PRECONDITION, True)
    assert other.written_bytes() == 0
    await droplet.attach(volume)
    await droplet.until_done(volume.stage())
    assert await droplet.name_of_device_at(volume.staging_path) == volume.name
    assert other.written_bytes() == 0


async def test_letters_that_change_between_two_attachments_change_nothing(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplet, volumes = await make_droplet(), [make_volume(), make_volume()]
    letters = []
    for _ in range(2):
        for volume in volumes:
            await droplet.up(volume)
        letters.append({volume.name: await droplet.device_at(volume.target) for volume in volumes})
        for volume in volumes:
            await droplet.agent.shell(f"touch {volume.target}/file; echo {volume.name} >> {volume.target}/file")
            assert set((await droplet.agent.read(f"{volume.target}/file")).decode().splitlines()) == {volume.name}
        for volume in volumes:
            await droplet.down(volume)
        volumes.reverse()
    assert set(letters[0].values()) == set(letters[1].values())
    assert letters[0] != letters[1]
