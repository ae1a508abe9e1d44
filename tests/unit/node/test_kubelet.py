"""What kubelet expects of the node, on a simulated host.

Sources: CSI 1.13; Kubernetes 1.37, pkg/volume/csi (csi_client.go isFinalError, expander.go), pkg/volume/util.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from grpclib.const import Status

from node.records.state import Staged
from tests.fakes.host.disks import GIB
from tests.fakes.host.programs import Fate
from tests.faults.sim.rpc import Failed
from tests.unit.node.world import STAGING, World, target
from tools.csi.kubelet import Modes

FS_TYPES = ("ext4", "xfs", "btrfs", "")


def refusal(call: Callable[[], object]) -> tuple[Status, str]:
    """Return what a call is answered with."""
    with pytest.raises(Failed) as caught:
        call()
    return caught.value.status, caught.value.message


def ends(world: World, program: str, status: int, said: str) -> None:
    """Let a program end with a status, without an effect, from now on."""
    world.fate = lambda each, _: Fate(ends=(status, said)) if each == program else Fate()


def well(world: World) -> None:
    world.fate = lambda _program, _number: Fate()


# What is repeated


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


# What a final error means: nothing is mounted


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


# NodeExpandVolume


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


def _offline(world: World) -> None:
    world.kernel.unplug("ours")


def _dead(world: World) -> None:
    world.kernel.give_up(world.plugged, "emergency_ro")


def _raw(world: World) -> None:
    world.fs_type = ""


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


# File systems that the kernel has given up


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


# Raw block


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


# Devices


@pytest.mark.parametrize("state", ["blocked", "quiesce"])
def test_a_scsi_state_that_passes_is_waited_for(state: str) -> None:
    with World() as world:
        world.plugged.state = state
        assert refusal(world.stage)[0] is Status.UNAVAILABLE
        world.plugged.state = "running"
        world.stage()


# Checks


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
