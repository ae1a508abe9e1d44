"""NodeExpandVolume and growth at a stage, on a simulated host."""

from grpclib.const import Status

from tests.unit.node.world import VOLUME, World, refusal


def test_a_volume_whose_disk_is_gone_may_grow_later() -> None:
    with World("xfs") as world:
        world.stage()
        world.publish()
        world.enlarge()
        world.kernel.unplug(VOLUME)
        assert refusal(world.expand)[0] is Status.UNAVAILABLE
