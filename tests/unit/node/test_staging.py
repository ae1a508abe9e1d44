"""What kubelet expects of the node, on a simulated host.

Sources: CSI 1.13; Kubernetes 1.37, pkg/volume/csi (csi_client.go isFinalError, expander.go), pkg/volume/util.
"""

from dataclasses import replace

import pytest
from grpclib.const import Status

from tests.unit.node.world import FS_TYPES, STAGING, World, ends, refusal, target, well


@pytest.mark.parametrize("fs_type", FS_TYPES[:2] + FS_TYPES[3:])
@pytest.mark.parametrize("lost", ["nothing", "the process", "the state directory"])
def test_each_call_may_be_repeated_whatever_was_lost_between(fs_type: str, lost: str) -> None:
    with World(fs_type) as world:
        for call in (world.stage, world.publish, world.unpublish, world.unstage):
            call()
            before = list(world.mounted)
            if lost == "the state directory":
                world.kept.clear()
            if lost != "nothing":
                world.restart()
            if call == world.publish and lost == "the state directory" and not fs_type:
                continue  # a raw block volume leaves no trace but the record
            call()
            assert world.mounted == before
        assert world.mounted == []


def test_what_was_never_staged_or_published_is_taken_away_without_an_error() -> None:
    with World() as world:
        world.unpublish()
        world.unstage()
        world.unstage()


def test_a_verdict_of_mount_is_final_and_leaves_nothing() -> None:
    with World(filesystem=True) as world:
        ends(world, "mount", 32, "wrong fs type, bad option, bad superblock on /dev/sdb")
        status, _ = refusal(world.stage)
        assert (status, world.mounted, world.kept) == (Status.FAILED_PRECONDITION, [], {})
        well(world)
        world.stage()


@pytest.mark.parametrize("fs_type", ["ext4", "xfs"])
def test_a_refusal_while_the_volume_is_mounted_is_not_final(fs_type: str) -> None:
    with World(fs_type) as world:
        world.stage()
        world.publish()
        world.plugged.state = "offline"
        for call in (world.stage, world.publish):
            assert refusal(call)[0] is Status.UNAVAILABLE
        assert world.mounted == [STAGING, target("pod")]


def test_other_mount_options_at_the_same_path_are_refused_as_the_specification_says() -> None:
    with World() as world:
        world.stage()
        world.flags = ("noatime",)
        assert refusal(world.stage)[0] is Status.ALREADY_EXISTS


@pytest.mark.parametrize("state", ["blocked", "quiesce"])
def test_a_scsi_state_that_passes_is_waited_for(state: str) -> None:
    with World() as world:
        world.plugged.state = state
        assert refusal(world.stage)[0] is Status.UNAVAILABLE
        world.plugged.state = "running"
        world.stage()


def test_a_file_system_that_is_newer_than_its_check_is_mounted() -> None:
    with World(filesystem=True) as world:
        ends(world, "e2fsck", 12, "/dev/sdb has unsupported feature(s): FEATURE_C20")
        world.stage()
        assert world.mounted == [STAGING]


@pytest.mark.parametrize(
    ("status", "code"), [(4, Status.FAILED_PRECONDITION), (8, Status.UNAVAILABLE), (32, Status.UNAVAILABLE)]
)
def test_only_a_verdict_of_the_check_is_final(status: int, code: Status) -> None:
    with World(filesystem=True) as world:
        ends(world, "e2fsck", status, "something")
        assert refusal(world.stage)[0] is code
        assert (world.mounted, "mount" in world.ran_programs) == ([], False)


def test_a_file_system_that_is_marked_as_damaged_and_cannot_be_checked_is_not_mounted() -> None:
    with World(filesystem=True) as world:
        found = world.plugged.disk.filesystem
        assert found is not None
        world.plugged.disk.filesystem = replace(found, marked=True)
        ends(world, "e2fsck", 12, "/dev/sdb has unsupported feature(s): FEATURE_C20")
        status, message = refusal(world.stage)
        assert (status, "says that it has errors" in message) == (Status.UNAVAILABLE, True)
        assert world.mounted == []
