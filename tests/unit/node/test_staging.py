"""What kubelet expects of the node, on a simulated host.

Sources: CSI 1.13; Kubernetes 1.37, pkg/volume/csi (csi_client.go isFinalError, expander.go), pkg/volume/util.
"""

from dataclasses import replace

import pytest
from grpclib.const import Status

from csi_proto.csi import v1 as csi
from tests.unit.node.world import STAGING, World, refusal, target


@pytest.mark.parametrize("fs_type", ["ext4", "xfs"])
def test_a_refusal_while_the_volume_is_mounted_is_not_final(fs_type: str) -> None:
    with World(fs_type) as world:
        world.stage()
        world.publish()
        world.plugged.state = "offline"
        for call in (world.stage, world.publish):
            assert refusal(call)[0] is Status.UNAVAILABLE
        assert world.mounted == [STAGING, target("pod")]


@pytest.mark.parametrize("state", ["blocked", "quiesce"])
def test_a_scsi_state_that_passes_is_waited_for(state: str) -> None:
    with World() as world:
        world.plugged.state = state
        assert refusal(world.stage)[0] is Status.UNAVAILABLE
        world.plugged.state = "running"
        world.stage()


def test_why_a_request_itself_is_refused_is_told_with_the_health_of_its_volume() -> None:
    with World() as world:
        world.flags = ("loop",)
        assert {refusal(call)[0] for call in (world.stage, world.publish)} == {Status.INVALID_ARGUMENT}
        asked = csi.NodeGetVolumeHealthRequest(volume_id=world.volume_id)
        told = world.call(asked, csi.NodeGetVolumeHealthResponse).volume_health
    assert told is not None
    assert [each.reason for each in told.health_statuses] == ["StageRefused", "PublishRefused"]


def test_a_file_system_that_is_marked_as_damaged_and_cannot_be_checked_is_not_mounted() -> None:
    with World(filesystem=True) as world:
        found = world.plugged.disk.filesystem
        assert found is not None
        world.plugged.disk.filesystem = replace(found, marked=True)
        world.ends("e2fsck", 12, "/dev/sdb has unsupported feature(s): FEATURE_C20")
        status, message = refusal(world.stage)
        assert (status, "says that it has errors" in message) == (Status.UNAVAILABLE, True)
        assert world.mounted == []
