"""The udev rule of the cloud's stock images, which takes each new volume for a moment."""

import pytest

from tests.vm.node.conftest import MakeDroplet, MakeVolume

pytestmark = pytest.mark.asyncio

RULE = "/usr/lib/aiocsi-guest/99-digitalocean-automount.rules"
SWITCH_ON = f"cp {RULE} /etc/udev/rules.d/; udevadm control --reload"
QUIET = "udevadm settle --timeout=120; while pgrep automount; do sleep 0.1; done"


async def test_volumes_that_a_rule_takes_for_a_moment_are_staged_once_it_lets_go(
    make_droplet: MakeDroplet, make_volume: MakeVolume
) -> None:
    droplet, volume = await make_droplet(), make_volume()
    await droplet.agent.shell(SWITCH_ON)
    for known in (0, 1):  # blank at first, which the rule holds open; then with a file system, which it mounts
        await droplet.attach(volume)
        await droplet.until_done(volume.stage())
        await droplet.until_done(volume.publish())
        await droplet.agent.shell(QUIET, 150)
        assert await droplet.mounts(volume) == [volume.staging_path, volume.target]
        assert await droplet.write_some(volume.target, 1) == known
        await droplet.down(volume)
