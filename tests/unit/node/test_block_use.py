"""Who may use a disk as it is: raw block volumes, and disks with partitions, on a simulated host."""

from grpclib.const import Status

from tests.unit.node.world import World, refusal


def test_partitions_keep_a_disk_from_being_mounted() -> None:
    with World(filesystem=True) as world:
        world.plugged.partitions = ("sdb1",)
        assert refusal(world.stage)[0] is Status.FAILED_PRECONDITION
