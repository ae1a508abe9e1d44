"""Which mount options a StorageClass or a PersistentVolume may ask for: those on a list, for each file system.

Left out are options that name another device, file or program, that make mount(8) do more than mount, that put the
host at risk (``errors=panic``, ``fatal_errors=``), and whatever no one has looked at.

Sources: mount(8) "FILESYSTEM-INDEPENDENT MOUNT OPTIONS" and "SELinux context"; ext4(5), "Mount options for ext2", for
ext3 and for ext4; xfs(5); btrfs(5).
"""

import re
from collections.abc import Iterator, Sequence

from common import errors
from common.codes import Code

_NUMBER = "[0-9]{1,10}"
_SIZE = f"{_NUMBER}[kKmMgG]?"
_GENERIC = (
    "ro",
    "rw",
    "(no|rel|norel|strict|nostrict)?atime",
    "(no)?(diratime|lazytime|suid|dev|exec|iversion|mand)",
    "nosymfollow",
    "(a|dir)?sync",
    "silent",
    "loud",
    "defaults",
    "nofail",
    "_netdev",
)
_EXT2 = (
    "(no)?(acl|user_xattr|grpid|auto_da_alloc|discard|block_validity)",
    "bsddf",
    "minixdf",
    "nocheck|check=none",
    "debug",
    "errors=(continue|remount-ro)",
    "bsdgroups|sysvgroups",
    "(no|grp|usr|prj)?quota",
    "nouid32",
    "oldalloc|orlov",
    f"res[gu]id={_NUMBER}",
    "barrier(=[01])?|nobarrier",
    f"(inode_readahead_blks|stripe|m(ax|in)_batch_time|max_dir_size_kb)={_NUMBER}",
    f"noinit_itable|init_itable(={_NUMBER})?",
    "i_version",
    "nombcache",
)
_EXT3 = (
    *_EXT2,
    "data=(journal|ordered|writeback)",
    "data_err=(ignore|abort)",
    f"commit={_NUMBER}",
    "journal_ioprio=[0-7]",
    "norecovery|noload",
)
_EXT4 = (*_EXT3, "(no)?journal_checksum", "journal_async_commit", "(no)?delalloc", "dioread_(no)?lock")
_XFS = (
    f"allocsize={_SIZE}",
    "(no)?(attr2|discard|grpid|ikeep|largeio)",
    "dax=(inode|never)",
    "bsdgroups|sysvgroups",
    "filestreams",
    "inode(32|64)",
    "logbufs=[2-8]",
    f"logbsize={_SIZE}",
    "noalign",
    "norecovery",
    "nouuid",
    "noquota|quota|uquota|usrquota|uqnoenforce|qnoenforce|gquota|grpquota|gqnoenforce|pquota|prjquota|pqnoenforce",
    f"(sunit|swidth)={_NUMBER}",
    "swalloc",
    "wsync",
)
_BTRFS = (
    "(no)?(acl|autodefrag|barrier|datacow|datasum|enospc_debug|flushoncommit|ssd|ssd_spread|treelog)",
    "clear_cache|rescan_uuid_tree|skip_balance|usebackuproot|user_subvol_rm_allowed",
    f"(commit|metadata_ratio|thread_pool|subvolid)={_NUMBER}",
    "compress(-force)?(=(zlib|lzo|zstd)(:[0-9]{1,2})?)?|compress=(no|none)",
    "discard(=(sync|async))?|nodiscard",
    f"max_inline={_SIZE}",
    "norecovery|nologreplay",
    "space_cache(=v[12])?|nospace_cache",
    "subvol=[A-Za-z0-9_@/.+-]{1,200}",
)
_LISTS = {"ext2": _EXT2, "ext3": _EXT3, "ext4": _EXT4, "xfs": _XFS, "btrfs": _BTRFS}
_ALLOWED = {fs_type: re.compile("|".join((*_GENERIC, *listed))) for fs_type, listed in _LISTS.items()}
_LABEL = r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+"  # user, role and type
_LEVEL = r"(:[A-Za-z0-9_.-]+){0,2}"
_CONTEXT = (
    re.compile(  # kubelet sets it, in quotes; categories are a list by commas, which mount(8) takes in quotes only
        rf'(fs|def|root)?context=({_LABEL}{_LEVEL}|"{_LABEL}{_LEVEL}(,[A-Za-z0-9_.-]+)*")'
    )
)
_PART = re.compile(r'(?:[^,"]|"[^"]*")*')
_IMPLIED = frozenset({"rw", "defaults", "nofail", "_netdev"})  # accepted for the sake of existing classes, and left out
_CONFLICTS = (
    *(("ro", "rw"), ("suid", "nosuid"), ("dev", "nodev"), ("exec", "noexec")),
    *(("noatime", "strictatime"), ("noatime", "atime"), ("nodiratime", "diratime")),
)
READ_ONLY = frozenset({"norecovery", "noload", "nologreplay"})  # the journal is left as it is
_LONGEST = 2048  # of all; the kernel takes a page, and mount(8) adds to it
_REMEDY = "correct mountOptions in the StorageClass, and in a PersistentVolume that is there (kubectl edit pv)"


def parse(fs_type: str, given: Sequence[str], *, read_only: bool) -> tuple[str, ...]:
    """Return the options in ``given``, once each, without those that change nothing.

    One entry may hold several by commas, as csi-digitalocean passes them on. ``read_only``: it is mounted so anyway.
    Raises InvalidArgument.
    """
    flags = tuple(dict.fromkeys(part for entry in given for part in _split(entry)))
    if sum(map(len, flags)) > _LONGEST:
        raise errors.InvalidArgument(
            f"the mount options are longer than {_LONGEST} characters", remedy=_REMEDY, error_code=Code.MOUNT_OPTIONS
        )
    for flag in flags:
        if not is_allowed(fs_type, flag):
            raise errors.InvalidArgument(
                f"mount option {flag[:80]!r} is not allowed for {fs_type}",
                remedy=_REMEDY,
                error_code=Code.MOUNT_OPTIONS,
            )
    _check_together(flags, read_only=read_only or "ro" in flags)
    return tuple(flag for flag in flags if flag not in _IMPLIED)


def is_allowed(fs_type: str, flag: str) -> bool:
    """Tell whether one option is on the list of a file system."""
    return bool(_ALLOWED[fs_type].fullmatch(flag) or _CONTEXT.fullmatch(flag))


def _split(entry: str) -> Iterator[str]:
    """Split at the commas that are not in quotes, as mount(8) does; each part is then judged by itself."""
    at = 0
    while (found := _PART.match(entry, at)) and found.end() < len(entry) and entry[found.end()] == ",":
        yield found.group()
        at = found.end() + 1
    yield entry[at:]


def _check_together(flags: tuple[str, ...], *, read_only: bool) -> None:
    """Raise InvalidArgument for options that do not go together."""
    values: dict[str, str] = {}
    for flag in flags:
        name = flag.partition("=")[0]
        other = values.setdefault(name, flag)
        if other != flag:
            raise errors.InvalidArgument(
                f"mount options {other!r} and {flag!r} contradict each other",
                remedy=_REMEDY,
                error_code=Code.MOUNT_OPTIONS,
            )
    for first, second in _CONFLICTS:
        if first in flags and second in flags:
            raise errors.InvalidArgument(
                f"mount options {first!r} and {second!r} contradict each other",
                remedy=_REMEDY,
                error_code=Code.MOUNT_OPTIONS,
            )
    if not read_only and (odd := sorted(READ_ONLY.intersection(flags))):
        raise errors.InvalidArgument(
            f"mount option {odd[0]!r} is for a read-only mount: add 'ro'", remedy=_REMEDY, error_code=Code.MOUNT_OPTIONS
        )
