"""Mount options: those on the list of each file system pass, and nothing passes as part of another one."""

import pytest

from common import errors, mount_flags

CONTEXT = 'context="system_u:object_r:container_file_t:s0:c10,c20"'
FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs", "btrfs")
OFFERED = {  # as mount(8), ext4(5), xfs(5) and btrfs(5) name them, with a value where there is one
    "any": """ro rw atime noatime relatime norelatime strictatime nostrictatime diratime nodiratime lazytime
        nolazytime suid nosuid dev nodev exec noexec iversion noiversion mand nomand nosymfollow sync async dirsync
        silent loud defaults nofail _netdev context=u:r:t fscontext=u:r:t:s0 defcontext=u:r:t:s0:c1
        rootcontext="u:r:t:s0:c1,c2" """,
    "ext2 ext3 ext4": """acl noacl user_xattr nouser_xattr grpid nogrpid auto_da_alloc noauto_da_alloc discard
        nodiscard block_validity noblock_validity bsddf minixdf nocheck check=none debug errors=continue
        errors=remount-ro bsdgroups sysvgroups quota noquota grpquota usrquota prjquota nouid32 oldalloc orlov
        resuid=0 resgid=4294967295 barrier barrier=0 barrier=1 nobarrier inode_readahead_blks=32 stripe=16
        max_batch_time=0 min_batch_time=0 max_dir_size_kb=1 noinit_itable init_itable init_itable=10 i_version
        nombcache""",
    "ext3 ext4": """data=journal data=ordered data=writeback data_err=ignore data_err=abort commit=30 journal_ioprio=0
        journal_ioprio=7 norecovery noload""",
    "ext4": """journal_checksum nojournal_checksum journal_async_commit delalloc nodelalloc dioread_lock
        dioread_nolock""",
    "xfs": """allocsize=64k allocsize=1G attr2 noattr2 discard nodiscard grpid nogrpid ikeep noikeep largeio nolargeio
        dax=inode dax=never bsdgroups sysvgroups filestreams inode32 inode64 logbufs=2 logbufs=8 logbsize=32768
        noalign norecovery nouuid noquota quota uquota usrquota uqnoenforce qnoenforce gquota grpquota gqnoenforce
        pquota prjquota pqnoenforce sunit=8 swidth=16 swalloc wsync""",
    "btrfs": """acl noacl autodefrag noautodefrag barrier nobarrier datacow nodatacow datasum nodatasum enospc_debug
        noenospc_debug flushoncommit noflushoncommit ssd nossd ssd_spread nossd_spread treelog notreelog clear_cache
        rescan_uuid_tree skip_balance usebackuproot user_subvol_rm_allowed commit=30 metadata_ratio=1 thread_pool=4
        subvolid=256 compress compress=zlib:9 compress=lzo compress=zstd:15 compress-force compress-force=zstd
        compress=no compress=none discard discard=sync discard=async nodiscard max_inline=2048 norecovery nologreplay
        space_cache space_cache=v1 space_cache=v2 nospace_cache subvol=/a/@b""",
}


@pytest.mark.parametrize("fs_type", FILE_SYSTEMS)
def test_each_option_of_the_manual_that_harms_nobody_is_allowed_where_it_is_known(fs_type: str) -> None:
    offered = {
        flag for kinds, flags in OFFERED.items() if kinds == "any" or fs_type in kinds.split() for flag in flags.split()
    }
    asked = offered.union(*(flags.split() for kinds, flags in OFFERED.items() if kinds != "any"))
    assert {flag for flag in asked if mount_flags.is_allowed(fs_type, flag)} == offered


@pytest.mark.parametrize("flag", ["noatime", CONTEXT])
@pytest.mark.parametrize("fs_type", FILE_SYSTEMS)
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
        ("suid", "nosuid"),
        ("dev", "nodev"),
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
    longest = "context=u:r:".ljust(2048, "t")
    assert mount_flags.parse("ext4", (longest,), read_only=False) == (longest,)
    with pytest.raises(errors.InvalidArgument, match="longer than 2048"):
        mount_flags.parse("ext4", (f"{longest}t",), read_only=False)
