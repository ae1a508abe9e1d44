"""Mount flags, and whether what is mounted is what is asked for."""

from dataclasses import replace

import pytest

from common import errors
from node.records.kernel import Mount
from node.records.requests import Filesystem
from node.rules import mounting
from node.rules.mounting import Asked

MOUNT = Mount(
    id=1,
    parent=0,
    number="8:0",
    root="/",
    point="/staging",
    options=frozenset({"rw", "relatime"}),
    shared=True,
    kind="ext4",
    source="/dev/sda",
    super_options=frozenset({"rw"}),
)
ASKED = Asked("id", "staged", "8:0", "ext4", (), read_only=False)


@pytest.mark.parametrize("flag", ["noatime", "discard", "commit=30", "data=ordered", "compress=zstd:3", "prjquota"])
def test_an_option_of_a_file_system_is_passed_on(flag: str) -> None:
    assert mounting.check_flags((flag, flag)) == (flag,)


def test_the_context_that_kubelet_sets_for_selinux_is_passed_on() -> None:
    flag = 'context="system_u:object_r:container_file_t:s0:c10,c20"'
    assert mounting.check_flags((flag,)) == (flag,)


@pytest.mark.parametrize("flag", ["rw", "defaults", "nofail", "_netdev"])
def test_an_option_that_changes_nothing_is_left_out(flag: str) -> None:
    assert mounting.check_flags((flag,)) == ()


@pytest.mark.parametrize(
    "flag",
    [
        *(
            "",
            "remount",
            "bind",
            "rbind",
            "move",
            "loop",
            "noatime,remount",
            "ro,suid",
            "offset=4096",
            "x-systemd.auto",
        ),
        *(
            "shared",
            "make_rshared",
            "user",
            "a b",
            "a\nb",
            "a=b=c;d",
            "ROOT",
            "journal_path=/dev/sdb",
            "a=" + "x" * 300,
        ),
        *("-o", "--bind", "context=a,remount b", "helper=sh", "logdev=/dev/sdb"),
    ],
)
def test_an_option_that_does_more_than_set_an_option_is_refused(flag: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        mounting.check_flags((flag,))


@pytest.mark.parametrize("flags", [("ro", "rw"), ("exec", "noexec"), ("noatime", "strictatime")])
def test_options_that_contradict_each_other_are_refused(flags: tuple[str, ...]) -> None:
    with pytest.raises(errors.InvalidArgument, match="contradict"):
        mounting.check_flags(flags)


def test_a_copy_of_an_xfs_can_be_mounted_beside_its_origin() -> None:
    assert mounting.stage_options(Filesystem("xfs", ("noatime",)), read_only=False) == ("noatime", "nouuid")


def test_a_bind_mount_gets_the_options_of_a_mount_alone() -> None:
    assert mounting.publish_options(("noatime", "commit=30", "nosuid"), read_only=True) == (
        "bind",
        "noatime",
        "nosuid",
        "ro",
    )


def test_the_mount_that_is_asked_for_is_accepted() -> None:
    mounting.check_same(MOUNT, ASKED)
    mounting.check_same(replace(MOUNT, options=frozenset({"rw", "noatime"})), replace(ASKED, flags=("noatime",)))


@pytest.mark.parametrize(
    ("mount", "asked"),
    [
        pytest.param(replace(MOUNT, number="8:16"), ASKED, id="another device"),
        pytest.param(replace(MOUNT, kind="xfs"), ASKED, id="another file system"),
        pytest.param(replace(MOUNT, options=frozenset({"ro"})), ASKED, id="read-only"),
        pytest.param(MOUNT, replace(ASKED, read_only=True), id="for writing"),
        pytest.param(MOUNT, replace(ASKED, flags=("nosuid",)), id="without a flag"),
        pytest.param(MOUNT, replace(ASKED, known_flags=("commit=5",)), id="other options of the file system"),
    ],
)
def test_a_mount_that_differs_is_already_there(mount: Mount, asked: Asked) -> None:
    with pytest.raises(errors.AlreadyExists):
        mounting.check_same(mount, asked)


def test_a_file_system_that_became_read_only_is_still_the_one_that_was_staged() -> None:
    mounting.check_same(replace(MOUNT, super_options=frozenset({"ro"})), ASKED)


def test_a_private_mount_of_the_hosts_folder_is_refused() -> None:
    with pytest.raises(errors.FailedPrecondition, match="not mounted shared"):
        mounting.check_propagation(replace(MOUNT, point="/var/lib/kubelet", shared=False), "/var/lib/kubelet/x")
    mounting.check_propagation(replace(MOUNT, point="/var/lib/kubelet"), "/var/lib/kubelet/x")
    mounting.check_propagation(replace(MOUNT, point="/", shared=False), "/var/lib/kubelet/x")
