"""Who may use a disk as it is: raw block volumes, and disks with partitions, on a simulated host."""

from grpclib.const import Status

from tests.unit.node.world import World, refusal


def test_what_a_pod_makes_of_its_raw_volume_keeps_no_pod_from_it() -> None:
    with World("") as world:
        world.stage()
        world.publish("first")
        world.plugged.partitions = ("sdb1", "sdb2")
        descriptor = world.kernel.descriptor(world.plugged, exclusive=True)  # dm-crypt, LVM, a database: the pod's own
        world.stage()
        world.publish("first")
        world.publish("second")
        assert descriptor is not None
        del world.kernel.open[descriptor]
        for pod in ("first", "second"):
            world.unpublish(pod)
        world.unstage()
        world.stage()
        world.publish("third")


def test_a_raw_volume_that_somebody_else_uses_is_refused_until_he_has_let_go() -> None:
    with World("") as world:
        descriptor = world.kernel.descriptor(world.plugged, exclusive=True)
        assert refusal(world.stage)[0] is Status.UNAVAILABLE
        assert descriptor is not None
        del world.kernel.open[descriptor]
        world.stage()
        descriptor = world.kernel.descriptor(world.plugged, exclusive=True)
        assert refusal(world.publish)[0] is Status.UNAVAILABLE
        assert world.mounted == []


def test_partitions_keep_a_disk_from_being_mounted() -> None:
    with World(filesystem=True) as world:
        world.plugged.partitions = ("sdb1",)
        assert refusal(world.stage)[0] is Status.FAILED_PRECONDITION
