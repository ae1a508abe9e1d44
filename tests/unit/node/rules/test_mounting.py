"""Mount flags, and whether what is mounted is what is asked for."""

from dataclasses import replace

import pytest

from common import errors
from node.records.kernel import Facts, Mount
from node.records.probes import Probe, Signature, Superblock
from node.records.requests import Filesystem, Stage, VolumeSpec
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
SHOWN = ("nosuid", "nodev", "noexec", "nosymfollow", "noatime", "nodiratime")  # proc_pid_mountinfo(5)
UNSHOWN = ("suid", "dev", "exec", "atime", "diratime", "relatime", "norelatime", "strictatime")  # mount(8)


@pytest.mark.parametrize("fs_type", ["ext2", "ext3", "ext4"])
@pytest.mark.parametrize(
    ("flags", "options"),
    [
        pytest.param((), ("errors=remount-ro",), id="nothing said"),
        pytest.param(("noatime",), ("noatime", "errors=remount-ro"), id="something else said"),
        pytest.param(("errors=continue",), ("errors=continue",), id="said by the class"),
    ],
)
def test_what_an_ext_does_after_an_error_is_never_left_to_its_superblock(
    fs_type: str, flags: tuple[str, ...], options: tuple[str, ...]
) -> None:
    assert mounting.stage_options(Filesystem(fs_type, flags), read_only=False) == options


@pytest.mark.parametrize("options", ["", "errors=panic", "discard,errors=panic", "data=ordered"])
def test_a_superblock_may_ask_for_what_a_class_may_ask_for(options: str) -> None:
    mounting.check_own_options("id", Superblock("ext4", 0, "", mount_options=options))


@pytest.mark.parametrize(
    "options", ["journal_path=/dev/sdb", "noatime,abort", "usrjquota=x", "data=journal,\x7f", "discard,noload"]
)
def test_a_superblock_that_asks_for_more_is_refused(options: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match="mount_opts="):
        mounting.check_own_options("id", Superblock("ext4", 0, "", mount_options=options))


def test_a_file_system_without_such_an_option_is_mounted_without_it() -> None:
    assert mounting.stage_options(Filesystem("btrfs"), read_only=True) == ("ro",)


def test_a_copy_of_an_xfs_can_be_mounted_beside_its_origin() -> None:
    assert mounting.stage_options(Filesystem("xfs", ("noatime",)), read_only=False) == ("noatime", "nouuid")


def test_a_bind_mount_gets_the_options_of_a_mount_alone() -> None:
    assert mounting.publish_options(("noatime", "commit=30", "nosuid"), read_only=True) == (
        "bind",
        "noatime",
        "nosuid",
        "ro",
    )


@pytest.mark.parametrize("option", ["ro", *SHOWN, *UNSHOWN])
def test_every_option_of_a_mount_goes_on_to_the_bind_mount(option: str) -> None:
    assert mounting.publish_options((option, "commit=30"), read_only=False) == ("bind", option)


@pytest.mark.parametrize("option", SHOWN)
def test_a_mount_without_an_option_that_the_kernel_shows_is_another(option: str) -> None:
    with pytest.raises(errors.AlreadyExists, match=f"without {option}"):
        mounting.check_same(MOUNT, replace(ASKED, flags=(option,)))


@pytest.mark.parametrize("option", UNSHOWN)
def test_an_option_that_the_kernel_does_not_show_is_not_looked_for(option: str) -> None:
    mounting.check_same(MOUNT, replace(ASKED, flags=(option,)))


def test_the_mount_that_is_asked_for_is_accepted() -> None:
    mounting.check_same(MOUNT, ASKED)
    mounting.check_same(replace(MOUNT, options=frozenset({"rw", "noatime"})), replace(ASKED, flags=("noatime",)))


@pytest.mark.parametrize(
    ("mount", "asked", "how"),
    [
        (replace(MOUNT, number="8:16"), ASKED, "from device 8:16"),
        (replace(MOUNT, kind="xfs"), ASKED, "as xfs, not ext4"),
        (replace(MOUNT, options=frozenset({"ro"})), ASKED, "read-only"),
        (MOUNT, replace(ASKED, read_only=True), "for writing"),
        (MOUNT, replace(ASKED, flags=("nosuid",)), "without nosuid"),
        (MOUNT, replace(ASKED, known_flags=("commit=5",)), "with options commit=5, not none"),
        (MOUNT, replace(ASKED, flags=("commit=5",), known_flags=()), "with options none, not commit=5"),
    ],
)
def test_a_mount_says_in_which_way_it_differs(mount: Mount, asked: Asked, how: str) -> None:
    with pytest.raises(errors.AlreadyExists, match=f"already, {how}"):
        mounting.check_same(mount, asked)


def test_a_file_system_that_became_read_only_is_still_the_one_that_was_staged() -> None:
    mounting.check_same(replace(MOUNT, super_options=frozenset({"ro"})), ASKED)


def test_a_private_mount_of_the_hosts_folder_is_refused() -> None:
    with pytest.raises(errors.FailedPrecondition, match="not mounted shared"):
        mounting.check_propagation(replace(MOUNT, point="/var/lib/kubelet", shared=False), "/var/lib/kubelet/x")
    mounting.check_propagation(replace(MOUNT, point="/var/lib/kubelet"), "/var/lib/kubelet/x")
    mounting.check_propagation(replace(MOUNT, point="/", shared=False), "/var/lib/kubelet/x")


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("replay", [True, False])
def test_a_device_that_is_read_only_is_mounted_for_reading_what_needs_no_replay(
    *, read_only: bool, replay: bool
) -> None:
    wanted = Stage(VolumeSpec("id", "pvc-1"), "/staging", Filesystem("ext4"), read_only=read_only)
    block = Superblock("ext4", 1 << 30, "", needs_replay=replay)
    facts = Facts("sda", "8:0", 1 << 30, read_only=True)
    mounting.check_read_only(wanted, Probe(replace(facts, read_only=False), Signature(""), block))
    if read_only and not replay:
        mounting.check_read_only(wanted, Probe(facts, Signature(""), block))
        return
    with pytest.raises(errors.FailedPrecondition, match="has to be replayed" if read_only else "writing is asked for"):
        mounting.check_read_only(wanted, Probe(facts, Signature(""), block))
