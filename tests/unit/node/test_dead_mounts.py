"""File systems that the kernel has given up, on a simulated host."""

import pytest
from grpclib.const import Status

from tests.unit.node.world import World, refusal


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
