"""What kubelet expects of the node: one table, for the simulated host and for real disks.

That a call under way survives a refused registration, ``test_registration`` shows; states of SCSI disks, which loop
devices do not have, ``test_staging`` and the guests.

Sources: CSI 1.13; Kubernetes 1.37, pkg/volume/csi (csi_client.go isFinalError, expander.go), pkg/volume/util.
"""

from collections.abc import Callable
from dataclasses import dataclass

from grpclib.const import Status

from tests.harness.kubelets_node import KubeletsNode, refusal
from tools.csi.kubelet import Modes

GIB = 1 << 30
FILE_SYSTEMS = ("ext4", "xfs", "btrfs")
ANY = (*FILE_SYSTEMS, "")
LOST = ("nothing", "the process", "the state directory")
MAKER = {"ext4": "mkfs.ext4", "xfs": "mkfs.xfs", "btrfs": "mkfs.btrfs"}
GROWER = {"xfs": "xfs_growfs", "btrfs": "btrfs"}

Check = Callable[[KubeletsNode], None]


@dataclass(frozen=True)
class Row:
    """An expectation. ``formatted``: the volume has its file system already."""

    fs_type: str
    check: Check
    formatted: bool = False
    case: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.check.__name__, self.fs_type or "raw", self.case)))


def repeats(lost: str) -> Check:
    """Each call may be repeated, whatever was lost between."""

    def each_call_may_be_repeated(node: KubeletsNode) -> None:
        for call in (node.stage, node.publish, node.unpublish, node.unstage):
            call()
            before = node.mounted
            if lost == "the state directory":
                node.lose_state()
            if lost != "nothing":
                node.restart()
            if call == node.publish and lost == "the state directory" and not node.fs_type:
                continue  # a raw block volume leaves no trace but the record
            call()
            assert node.mounted == before
        assert node.mounted == []

    return each_call_may_be_repeated


def what_was_never_there_is_taken_away(node: KubeletsNode) -> None:
    """Staging and target paths that are missing, or plain folders."""
    node.unpublish()
    node.unstage()
    node.stage()
    node.publish("other")
    node.unpublish()
    node.unpublish("other")
    for _ in range(2):
        node.unstage()
    assert node.mounted == []


def a_final_error_of_a_stage_leaves_nothing(node: KubeletsNode) -> None:
    """Nothing is mounted, nothing is remembered."""
    node.ends("mount", 32, "wrong fs type, bad option, bad superblock on /dev/sdb")
    assert refusal(node.stage)[0] is Status.FAILED_PRECONDITION
    assert (node.mounted, node.records()) == ([], [])
    node.well()
    node.stage()


def a_malformed_request_is_not_final_while_its_path_is_mounted(node: KubeletsNode) -> None:
    """The mount may be that of an earlier call, of which kubelet does not know how it ended."""
    for call, undo in ((node.stage, node.unstage), (node.publish, node.unpublish)):
        node.flags = ("loop",)
        assert refusal(call)[0] is Status.INVALID_ARGUMENT
        node.flags = ()
        node.stage()
        call()
        node.flags = ("loop",)
        status, message = refusal(call)
        assert (status, "mount option 'loop' is not allowed" in message) == (Status.UNAVAILABLE, True)
        undo()
        assert refusal(call)[0] is Status.INVALID_ARGUMENT


def judged(status: int, code: Status) -> Check:
    """Only a verdict of a check is final."""

    def only_a_verdict_is_final(node: KubeletsNode) -> None:
        node.ends("e2fsck", status, "something")
        node.ran_programs.clear()
        answer, message = refusal(node.stage)
        assert (answer, f"e2fsck ended with {status}: something" in message) == (code, True)
        assert (node.mounted, "mount" in node.ran_programs) == ([], False)

    return only_a_verdict_is_final


def what_is_newer_than_its_check_is_mounted(node: KubeletsNode) -> None:
    """A check that does not know a feature has not found damage."""
    node.ends("e2fsck", 12, "/dev/sdb has unsupported feature(s): FEATURE_C20")
    node.stage()
    assert node.mounted == [node.staging]


def a_publish_that_is_refused_leaves_nothing(node: KubeletsNode) -> None:
    """Neither one that is refused for good nor one whose program has failed leaves a mount at the target."""
    assert refusal(node.publish)[0] is Status.FAILED_PRECONDITION
    node.stage()
    before = node.mounted
    node.ends("mount", 32, "Cannot allocate memory")
    assert refusal(node.publish)[0] is Status.UNAVAILABLE
    assert node.mounted == before
    node.well()
    node.publish()


def a_growth_that_fails_after_the_mount_is_made_up_for(node: KubeletsNode) -> None:
    """It is not the failure of the stage."""
    node.enlarge()
    node.ends(GROWER[node.fs_type], 1, "Structure needs cleaning")
    node.stage()
    node.publish()
    assert ([record.to_grow for record in node.staged], node.is_large) == ([True], False)
    node.well()
    assert node.expand() == 2 * GIB
    assert ([record.to_grow for record in node.staged], node.is_large) == ([False], True)


def read_only(how: str) -> Check:
    """What is to be read only is neither grown nor formatted."""

    def is_not_written(node: KubeletsNode) -> None:
        node.enlarge()
        if how == "flag":
            node.flags = ("ro",)
        else:
            node.mode = Modes.SINGLE_NODE_READER_ONLY
        node.stage()
        node.publish()
        node.expand()
        assert not node.is_large
        assert not {*GROWER.values(), "resize2fs"} & set(node.ran_programs)

    return is_not_written


def what_is_blank_and_to_be_read_only_is_not_formatted(node: KubeletsNode) -> None:
    """It is refused."""
    node.flags = ("ro",)
    status, message = refusal(node.stage)
    assert (status, "never formatted: it is asked for to be read only" in message) == (Status.FAILED_PRECONDITION, True)
    assert not {*MAKER.values(), "mkfs"} & set(node.ran_programs)


def other_mount_options_are_refused(node: KubeletsNode) -> None:
    """At the same path, as the specification says."""
    node.stage()
    node.flags = ("noatime",)
    assert refusal(node.stage)[0] is Status.ALREADY_EXISTS


def a_volume_that_is_staged_twice_is_unstaged_twice(node: KubeletsNode) -> None:
    """kubelet has changed its paths; the second unstage leaves nothing."""
    second = f"{node.kubelet_dir}/plugins/kubernetes.io/csi/pv/ours/globalmount"
    node.stage()
    node.stage(second)
    node.publish()
    node.unpublish()
    node.unstage()
    assert node.mounted == [second]
    node.unstage(second)
    assert (node.mounted, node.records()) == ([], [])


def a_failed_growth_may_go_well_later(node: KubeletsNode) -> None:
    """FAILED_PRECONDITION would be the last answer on this node."""
    node.stage()
    node.publish()
    node.enlarge()
    node.ends(GROWER[node.fs_type], 1, "another exclusive operation 'balance paused' in progress")
    status, message = refusal(node.expand)
    assert (status, "balance paused" in message) == (Status.UNAVAILABLE, True)
    node.well()
    assert node.expand() == 2 * GIB


def grows(path: str, *, restarted: bool) -> Check:
    """A volume grows whichever of its paths is named: kubelet sends that of the pod which came last."""

    def is_found_by_its_id(node: KubeletsNode) -> None:
        node.stage()
        node.publish("a")
        node.publish("gone")
        node.unpublish("gone")
        node.enlarge()
        if restarted:
            node.restart()
        named = node.staging if path == "staging" else node.target(path)
        if node.fs_type == "ext4" and not node.grows_mounted_ext:  # the one thing that is not possible in use
            assert refusal(lambda: node.expand(named))[0] is Status.FAILED_PRECONDITION
            return
        assert node.expand(named) == 2 * GIB
        assert not node.fs_type or node.is_large

    return is_found_by_its_id


def what_is_not_on_the_node_is_not_found(node: KubeletsNode) -> None:
    """Its path is not believed."""
    assert refusal(node.expand)[0] is Status.NOT_FOUND
    node.stage()
    node.unstage()
    assert refusal(node.expand)[0] is Status.NOT_FOUND


def no_failure_in_use_makes_kubelet_give_up(node: KubeletsNode) -> None:
    """A limit below the size, another use than is named, a dead file system."""
    node.stage()
    node.publish()
    assert refusal(lambda: node.expand(limit_bytes=GIB // 2))[0] is Status.UNAVAILABLE
    kind, node.fs_type = node.fs_type, ""
    assert refusal(node.expand)[0] is Status.UNAVAILABLE
    node.fs_type = kind
    assert node.expand() == GIB
    node.die()
    assert refusal(node.expand)[0] is Status.UNAVAILABLE


def a_dead_file_system_is_mounted_again(node: KubeletsNode) -> None:
    """When no pod uses it; until then the pods that are to be deleted are named."""
    node.stage()
    node.publish("pod-1")
    node.die()
    second = f"{node.kubelet_dir}/plugins/another/globalmount"
    answers = [refusal(call) for call in (lambda: node.publish("pod-2"), node.stage, lambda: node.stage(second))]
    assert [status for status, _ in answers] == [Status.FAILED_PRECONDITION, Status.UNAVAILABLE, Status.UNAVAILABLE]
    assert [message for _, message in answers if "dead" not in message or "uid pod-1" not in message] == []
    assert node.mounted == [node.staging, node.target("pod-1")]
    node.heal()
    node.unpublish("pod-1")
    node.ran_programs.clear()
    node.stage()
    checked = ["e2fsck"] if node.fs_type == "ext4" else []
    assert node.ran_programs == ["umount", "blkid", *checked, "mount"]
    node.publish("pod-2")


def what_a_pod_makes_of_its_raw_volume_is_its_business(node: KubeletsNode) -> None:
    """No pod is kept from it by partitions, or by what uses it in the first pod."""
    node.stage()
    node.publish("first")
    with node.partitioned():
        with node.claimed():
            node.stage()
            for pod in ("first", "second"):
                node.publish(pod)
        for pod in ("first", "second"):
            node.unpublish(pod)
        node.unstage()
        node.stage()
        node.publish("third")
        node.unpublish("third")
        node.unstage()
        node.fs_type = "ext4"
        assert refusal(node.stage)[0] is Status.FAILED_PRECONDITION


def a_raw_volume_that_somebody_else_uses_is_refused(node: KubeletsNode) -> None:
    """Until he has let go."""
    with node.claimed():
        assert refusal(node.stage)[0] is Status.UNAVAILABLE
    node.stage()
    with node.claimed():
        assert refusal(node.publish)[0] is Status.UNAVAILABLE
    assert node.mounted == []


TABLE = (
    *(Row(fs_type, repeats(lost), case=lost) for fs_type in ANY for lost in LOST),
    *(Row(fs_type, what_was_never_there_is_taken_away) for fs_type in ANY),
    *(Row(fs_type, a_final_error_of_a_stage_leaves_nothing, formatted=True) for fs_type in FILE_SYSTEMS),
    Row("ext4", a_malformed_request_is_not_final_while_its_path_is_mounted),
    Row("ext4", judged(4, Status.FAILED_PRECONDITION), formatted=True, case="4"),
    Row("ext4", judged(8, Status.UNAVAILABLE), formatted=True, case="8"),
    Row("ext4", judged(32, Status.UNAVAILABLE), formatted=True, case="32"),
    Row("ext4", what_is_newer_than_its_check_is_mounted, formatted=True),
    *(Row(fs_type, a_publish_that_is_refused_leaves_nothing) for fs_type in ANY),
    *(Row(kind, a_growth_that_fails_after_the_mount_is_made_up_for, formatted=True) for kind in GROWER),
    *(Row(kind, read_only(how), formatted=True, case=how) for kind in FILE_SYSTEMS for how in ("flag", "access mode")),
    Row("ext4", what_is_blank_and_to_be_read_only_is_not_formatted),
    Row("ext4", other_mount_options_are_refused),
    *(Row(fs_type, a_volume_that_is_staged_twice_is_unstaged_twice) for fs_type in FILE_SYSTEMS),
    *(Row(kind, a_failed_growth_may_go_well_later) for kind in GROWER),
    *(
        Row(fs_type, grows(path, restarted=restarted), case=f"{path}{' restarted' if restarted else ''}")
        for fs_type in ANY
        for path, restarted in (("a", False), ("gone", False), ("never", True), ("staging", True))
    ),
    Row("ext4", what_is_not_on_the_node_is_not_found),
    *(Row(fs_type, no_failure_in_use_makes_kubelet_give_up) for fs_type in FILE_SYSTEMS),
    *(Row(fs_type, a_dead_file_system_is_mounted_again, formatted=True) for fs_type in FILE_SYSTEMS),
    Row("", what_a_pod_makes_of_its_raw_volume_is_its_business),
    Row("", a_raw_volume_that_somebody_else_uses_is_refused),
)
