"""Mount options: those on the list of each file system pass, and nothing passes as part of another one."""

import pytest

from common import errors, mount_flags

CONTEXT = 'context="system_u:object_r:container_file_t:s0:c10,c20"'


@pytest.mark.parametrize(
    ("fs_type", "flag"),
    [
        *[(fs_type, "noatime") for fs_type in ("ext2", "ext3", "ext4", "xfs", "btrfs")],
        *[(fs_type, CONTEXT) for fs_type in ("ext2", "ext3", "ext4", "xfs", "btrfs")],
        ("ext4", "context=system_u:object_r:container_file_t:s0"),
        ("ext2", "discard"),
        ("ext3", "data=journal"),
        ("ext4", "data=ordered"),
        ("ext4", "data_err=abort"),
        ("ext4", "commit=30"),
        ("ext4", "errors=continue"),
        ("ext4", "errors=remount-ro"),
        ("ext4", "init_itable=10"),
        ("ext4", "barrier=0"),
        ("ext4", "prjquota"),
        ("xfs", "logbsize=256k"),
        ("xfs", "prjquota"),
        ("xfs", "nouuid"),
        ("xfs", "inode32"),
        ("xfs", "inode64"),
        ("xfs", "logbufs=8"),
        ("btrfs", "compress=zstd:3"),
        ("btrfs", "compress-force=zstd"),
        ("btrfs", "subvol=/a/@b"),
        ("btrfs", "space_cache=v2"),
    ],
)
def test_an_option_that_is_listed_is_passed_on_once(fs_type: str, flag: str) -> None:
    assert mount_flags.parse(fs_type, (flag, flag), read_only=False) == (flag,)


@pytest.mark.parametrize("flag", ["rw", "defaults", "nofail", "_netdev"])
def test_an_option_that_changes_nothing_is_left_out(flag: str) -> None:
    assert mount_flags.parse("ext4", (flag,), read_only=False) == ()


def test_a_list_by_commas_is_several_options() -> None:
    given = ("noatime,discard", f"{CONTEXT},nosuid")
    assert mount_flags.parse("ext4", given, read_only=False) == ("noatime", "discard", CONTEXT, "nosuid")


@pytest.mark.parametrize(
    "flag",
    [
        *(
            "",
            ",",
            "noatime,",
            ",noatime",
            "noatime, discard",
            "noatime,remount",
            "a b",
            "a\nb",
            "noatime\n",
            "NOATIME",
        ),
        *("remount", "bind", "rbind", "move", "loop", "loop=/dev/loop0", "offset=4096", "sizelimit=1", "user", "owner"),
        *("shared", "make_rshared", "x-systemd.automount", "X-mount.mkdir", "X-mount.owner=0", "x-", "auto", "group"),
        *(
            "helper=sh",
            "uhelper=sh",
            "fsconfig=1",
            "-o",
            "--bind",
            "verity.hashdevice=/dev/sdb",
            "uid=0",
            "encryption=a",
        ),
        *("errors=panic", "errors=", "errors", "abort", "sb=32768", "journal_dev=0x801", "journal_path=/dev/sdb"),
        *(
            "usrjquota=aquota.user",
            "test_dummy_encryption",
            "commit=5;loop",
            "commit=-1",
            "commit=٣",
            "commit=" + "1" * 11,
        ),
        *(
            "context=a,loop",
            "context=u:r:t:s0:c1,c2",
            'context="u:r:t:s0"x',
            'context="u:r:t:s0,remount',
            'context="u:r"',
        ),
        *(
            'context="u:r:t:s0","loop"',
            'context="u:r:t:s0 loop"',
            "context=@target",
            "seclabel",
            '"noatime"',
            'no"atime',
        ),
        *(
            "logdev=/dev/sdb",
            "rtdev=/dev/sdb",
            "device=/dev/sdb",
            "degraded",
            "fatal_errors=panic",
            "nouuid",
            "compress",
        ),
    ],
)
def test_an_option_that_is_not_listed_is_refused_for_ext4(flag: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        mount_flags.parse("ext4", (flag,), read_only=False)


@pytest.mark.parametrize(
    ("fs_type", "flag"),
    [
        ("ext2", "data=journal"),
        ("ext2", "commit=5"),
        ("ext3", "delalloc"),
        ("xfs", "errors=remount-ro"),
        ("xfs", "logdev=/dev/sdb"),
        ("xfs", "nobarrier"),
        ("xfs", "logbufs=9"),
        ("xfs", "logbufs=1"),
        ("btrfs", "device=/dev/sdb"),
        ("btrfs", "fatal_errors=panic"),
        ("btrfs", "subvol=a,loop"),
        ("btrfs", "subvol=a b"),
        ("btrfs", "compress=gzip"),
    ],
)
def test_an_option_of_another_file_system_or_kernel_is_refused(fs_type: str, flag: str) -> None:
    with pytest.raises(errors.InvalidArgument, match="not allowed"):
        mount_flags.parse(fs_type, (flag,), read_only=False)


@pytest.mark.parametrize(
    "flags",
    [
        ("ro", "rw"),
        ("exec", "noexec"),
        ("noatime,strictatime",),
        ("noatime", "atime"),
        ("nodiratime", "diratime"),
        ("commit=5", "commit=6"),
        ("errors=continue", "errors=remount-ro"),
        ("barrier", "barrier=0"),
    ],
)
def test_options_that_contradict_each_other_are_refused(flags: tuple[str, ...]) -> None:
    with pytest.raises(errors.InvalidArgument, match="contradict"):
        mount_flags.parse("ext4", flags, read_only=False)


@pytest.mark.parametrize(("fs_type", "flag"), [("xfs", "norecovery"), ("ext4", "noload"), ("btrfs", "nologreplay")])
def test_a_journal_is_left_alone_on_a_read_only_mount_only(fs_type: str, flag: str) -> None:
    assert mount_flags.parse(fs_type, (flag,), read_only=True) == (flag,)
    assert mount_flags.parse(fs_type, (flag, "ro"), read_only=False) == (flag, "ro")
    with pytest.raises(errors.InvalidArgument, match="read-only"):
        mount_flags.parse(fs_type, (flag,), read_only=False)


def test_more_options_than_the_kernel_takes_are_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="longer"):
        mount_flags.parse("btrfs", tuple(f"subvolid={number}" for number in range(500)), read_only=False)
