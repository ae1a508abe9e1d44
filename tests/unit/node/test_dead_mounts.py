"""File systems that the kernel has given up, on a simulated host."""

import pytest
from grpclib.const import Status

from tests.unit.node.world import STAGING, World, refusal, target


@pytest.mark.parametrize("sign", ["emergency_ro", "shutdown", "ro"])
def test_a_dead_file_system_is_checked_and_mounted_again_when_nobody_else_uses_it(sign: str) -> None:
    with World(filesystem=True) as world:
        world.stage()
        world.kernel.give_up(world.plugged, sign)
        assert refusal(world.publish)[0] is Status.FAILED_PRECONDITION
        world.ran_programs.clear()
        world.stage()
        assert world.ran_programs == ["umount", "blkid", "e2fsck", "mount"]
        world.publish()


@pytest.mark.parametrize("sign", ["emergency_ro", "shutdown", "ro"])
@pytest.mark.parametrize("path", [STAGING, "/var/lib/kubelet/plugins/another/globalmount"])
def test_a_dead_file_system_is_not_given_to_another_pod_and_those_to_delete_are_named(sign: str, path: str) -> None:
    with World() as world:
        world.stage()
        world.publish("pod-1")
        world.kernel.give_up(world.plugged, sign)
        refused = (refusal(lambda: world.publish("pod-2")), refusal(lambda: world.stage(path)))
        assert [status for status, _ in refused] == [Status.FAILED_PRECONDITION, Status.UNAVAILABLE]
        assert all("dead" in message and "pod-1" in message for _, message in refused)
        assert world.mounted == [STAGING, target("pod-1")]
        world.unpublish("pod-1")
        world.stage()
        world.publish("pod-2")
