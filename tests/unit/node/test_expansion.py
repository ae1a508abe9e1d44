"""NodeExpandVolume and growth at a stage, on a simulated host."""

from collections.abc import Callable

import pytest
from grpclib.const import Status

from node.records.state import Staged
from tests.fakes.host.disks import GIB
from tests.unit.node.world import FS_TYPES, STAGING, World, ends, refusal, target, well
from tools.csi.kubelet import Modes


def _offline(world: World) -> None:
    world.kernel.unplug("ours")


def _dead(world: World) -> None:
    world.kernel.give_up(world.plugged, "emergency_ro")


def _raw(world: World) -> None:
    world.fs_type = ""


def test_a_growth_that_fails_after_the_mount_is_no_failure_of_the_stage_and_is_made_up_for() -> None:
    with World("xfs", filesystem=True) as world:
        world.enlarge()
        ends(world, "xfs_growfs", 1, "XFS_IOC_FSGROWFSDATA xfsctl failed: Structure needs cleaning")
        world.stage()
        world.publish()
        assert world.filesystem_bytes == GIB
        assert [record.to_grow for record in world.kept.values() if isinstance(record, Staged)] == [True]
        well(world)
        assert world.expand() == world.filesystem_bytes == 2 * GIB
        assert [record.to_grow for record in world.kept.values() if isinstance(record, Staged)] == [False]


@pytest.mark.parametrize("how", ["flag", "access mode"])
def test_what_is_asked_for_to_be_read_only_is_not_grown_and_not_formatted(how: str) -> None:
    def ask(world: World) -> World:
        if how == "flag":
            world.flags = ("ro",)
        else:
            world.mode = Modes.SINGLE_NODE_READER_ONLY
        return world

    with World("xfs", filesystem=True) as world:
        world.enlarge()
        ask(world).stage()
        world.publish()
        world.expand()
        assert world.filesystem_bytes == GIB
        assert "xfs_growfs" not in world.ran_programs
    with World() as world:
        status, message = refusal(ask(world).stage)
        assert (status, "never formatted: it is asked for to be read only" in message) == (
            Status.FAILED_PRECONDITION,
            True,
        )
        assert "mkfs" not in world.ran_programs


def test_a_growth_that_fails_may_go_well_at_the_next_attempt() -> None:
    with World("btrfs") as world:
        world.stage()
        world.publish()
        world.enlarge()
        ends(world, "btrfs", 1, "unable to start resize, another exclusive operation 'balance paused' in progress")
        status, message = refusal(world.expand)
        assert (status, "balance paused" in message) == (Status.UNAVAILABLE, True)
        well(world)
        assert world.expand() == 2 * GIB


@pytest.mark.parametrize("fs_type", FS_TYPES)
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("path", ["a", "gone", "never", "staging"])
def test_a_volume_grows_whichever_of_its_paths_is_named(fs_type: str, *, restarted: bool, path: str) -> None:
    with World(fs_type) as world:
        world.stage()
        world.publish("a")
        world.publish("gone")
        world.unpublish("gone")
        world.enlarge()
        if restarted:
            world.restart()
        assert world.expand(STAGING if path == "staging" else target(path)) == 2 * GIB
        assert not fs_type or world.filesystem_bytes == 2 * GIB


def test_a_volume_that_is_not_on_the_node_is_not_found_and_its_path_is_not_believed() -> None:
    with World() as world:
        assert refusal(world.expand)[0] is Status.NOT_FOUND
        world.stage()
        world.unstage()
        assert refusal(world.expand)[0] is Status.NOT_FOUND


@pytest.mark.parametrize("change", [_offline, _dead, _raw])
def test_no_failure_of_a_volume_in_use_has_a_code_after_which_kubelet_gives_up(change: Callable[[World], None]) -> None:
    with World("xfs") as world:
        world.stage()
        world.publish()
        world.enlarge()
        change(world)
        assert refusal(world.expand)[0] is Status.UNAVAILABLE


def test_a_limit_below_the_size_is_no_reason_never_to_grow_again() -> None:
    with World("xfs") as world:
        world.stage()
        world.publish()
        assert refusal(lambda: world.expand(limit_bytes=GIB // 2))[0] is Status.UNAVAILABLE
        assert world.expand() == GIB
