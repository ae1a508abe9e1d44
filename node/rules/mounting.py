"""Which mount options are passed on, and whether what is mounted already is what is asked for.

Sources: mount(8), mount(2); CSI 1.13 "NodeStageVolume", "NodePublishVolume" (a repeated call with a different
capability at the same path is ALREADY_EXISTS).
"""

import re
from dataclasses import dataclass

from common import errors
from node.records.kernel import Mount
from node.records.requests import Filesystem

_FLAG = re.compile(r"[a-z0-9_]+(=[A-Za-z0-9_./:+-]+)?")
_CONTEXT = re.compile(r'(context|fscontext|defcontext|rootcontext)="?[A-Za-z0-9_:.,-]+"?')  # SELinux, set by kubelet
_NEVER = frozenset(
    {"remount", "bind", "rbind", "move", "loop", "offset", "sizelimit", "user", "users", "owner", "group"}
    | {"auto", "noauto", "helper", "uhelper", "encryption", "device", "journal_path", "journal_dev", "logdev", "rtdev"}
    | {
        f"{prefix}{kind}"
        for prefix in ("", "r", "make_", "make_r")
        for kind in ("shared", "private", "slave", "unbindable")
    }
)
_OF_A_MOUNT = frozenset(
    {"ro", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "nosymfollow"}
    | {"noatime", "atime", "nodiratime", "diratime", "relatime", "norelatime", "strictatime"}
)
_SHOWN = frozenset({"ro", "nosuid", "nodev", "noexec", "nosymfollow", "noatime", "nodiratime"})  # in mountinfo, as such
_IMPLIED = frozenset({"rw", "defaults", "nofail", "_netdev"})  # accepted for the sake of existing classes, and left out
_CONFLICTS = (("ro", "rw"), ("suid", "nosuid"), ("dev", "nodev"), ("exec", "noexec"), ("noatime", "strictatime"))


def check_flags(flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``flags``, once each. Raises InvalidArgument for those that do more than set an option of this mount."""
    for flag in flags:
        if _CONTEXT.fullmatch(flag):
            continue
        name = flag.partition("=")[0]
        if not _FLAG.fullmatch(flag) or name in _NEVER or len(flag) > 255:
            raise errors.InvalidArgument(
                f"mount flag {flag[:80]!r} is not allowed", remedy="take it out of mountOptions"
            )
    for first, second in _CONFLICTS:
        if first in flags and second in flags:
            raise errors.InvalidArgument(f"mount flags {first!r} and {second!r} contradict each other")
    return tuple(dict.fromkeys(flag for flag in flags if flag not in _IMPLIED))


def stage_options(wanted: Filesystem, *, read_only: bool) -> tuple[str, ...]:
    """Return the options of the staging mount.

    A copy of an xfs carries the UUID of its origin, and both may be on one node: nouuid.
    """
    added = (*(("ro",) if read_only else ()), *(("nouuid",) if wanted.kind == "xfs" else ()))
    return tuple(dict.fromkeys((*wanted.flags, *added)))


def publish_options(flags: tuple[str, ...], *, read_only: bool) -> tuple[str, ...]:
    """Return the options of a bind mount: those of a mount, without those of a file system."""
    chosen = (flag for flag in flags if flag in _OF_A_MOUNT)
    return tuple(dict.fromkeys(("bind", *chosen, *(("ro",) if read_only else ()))))


@dataclass(frozen=True)
class Asked:
    """The mount that a call asks for."""

    volume_id: str
    what: str  # staged or published
    number: str  # of the device
    kind: str
    flags: tuple[str, ...]
    read_only: bool
    known_flags: tuple[str, ...] | None = None  # with which it was mounted, if that is known


def check_same(found: Mount, asked: Asked) -> None:
    """Raise AlreadyExists unless the mount that is there is the one that is asked for."""
    if problem := _difference(found, asked):
        raise errors.AlreadyExists(
            f"volume {asked.volume_id} is {asked.what} at {found.point} already, {problem}",
            remedy="undo that first (unpublish or unstage)",
        )


def check_propagation(covering: Mount | None, path: str) -> None:
    """Raise FailedPrecondition if a mount at ``path`` would stay invisible to kubelet and to the pods.

    A driver in a container sees the host's folder as a mount of its own, which must be shared. On the root of its own
    mount namespace the driver runs on the host itself.
    """
    if covering is not None and covering.point != "/" and not covering.shared:
        raise errors.FailedPrecondition(
            f"{covering.point}, in which {path} lies, is not mounted shared: pods would not see the volume",
            remedy="mount kubelet's folder into this container with mountPropagation: Bidirectional",
        )


def _difference(found: Mount, asked: Asked) -> str:
    """Say how the mount differs from what is asked for; empty if it does not."""
    if found.number != asked.number:
        return f"from device {found.number} ({found.source}), not {asked.number}"
    if found.kind != asked.kind:
        return f"as {found.kind}, not {asked.kind}"
    if ("ro" in found.options) != (asked.read_only or "ro" in asked.flags):
        return "read-only" if "ro" in found.options else "for writing"
    if missing := sorted(flag for flag in asked.flags if flag in _SHOWN and flag not in found.options):
        return f"without {','.join(missing)}"
    if asked.known_flags is not None and asked.known_flags != asked.flags:
        return f"with options {','.join(asked.known_flags) or 'none'}, not {','.join(asked.flags) or 'none'}"
    return ""
