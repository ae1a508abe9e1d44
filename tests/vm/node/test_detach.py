"""A volume that is detached under its mount: what health says, what the next stage does, what is left of the data."""

import pytest
from grpclib.const import Status

from tests.vm.node.conftest import MakeDroplet, MakeVolume

pytestmark = pytest.mark.asyncio

KINDS = ["ext4", "xfs"]
ONE_RECORD = 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_pod_whose_volume_was_detached_is_refused_until_it_is_gone_and_then_has_what_it_synced(
    make_droplet: MakeDroplet, make_volume: MakeVolume, kind: str
) -> None:
    droplet, volume = await make_droplet(), make_volume(kind)
    await droplet.up(volume)
    assert await droplet.ills(volume) == set()
    writer = await droplet.write(volume.target)
    await writer.until(ONE_RECORD)
    await droplet.drives.detach(volume.name)
    await droplet.until_ill(volume, "DeviceGone")
    assert "OSError" in await writer.ended()
    synced = await writer.synced()
    await droplet.attach(volume)
    code, message = await droplet.refusal(volume.stage())
    assert (code, "detached while it was mounted" in message) == (Status.UNAVAILABLE, True)
    assert reasons_of_loss & await droplet.ills(volume)
    await droplet.until_done(volume.unpublish())
    await droplet.until_done(volume.stage())
    await droplet.until_done(volume.publish())
    assert await droplet.ills(volume) == set()
    assert await droplet.write_some(volume.target, ONE_RECORD) >= synced
    await droplet.down(volume)


reasons_of_loss = {"DeviceGone", "DeviceReplaced"}  # the number of the old disk may be the new one's


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_detached_under_its_mount_is_unstaged_and_its_letter_is_free_for_another_volume(
    make_droplet: MakeDroplet, make_volume: MakeVolume, kind: str
) -> None:
    droplet, volume, other = await make_droplet(), make_volume(kind), make_volume(kind)
    await droplet.up(volume)
    await droplet.write_some(volume.target, ONE_RECORD)
    await droplet.drives.detach(volume.name)
    await droplet.up(other)
    await droplet.write_some(other.target, ONE_RECORD)
    await droplet.until_done(volume.unpublish())
    await droplet.until_done(volume.unstage())
    assert await droplet.ills(other) == set()
    await droplet.up(volume)
    for each in (volume, other):
        assert await droplet.name_of_device_at(each.target) == each.name
        assert await droplet.write_some(each.target, 0) == ONE_RECORD
        await droplet.down(each)
