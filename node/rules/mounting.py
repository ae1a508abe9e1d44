"""With which options a volume is mounted, and whether what is mounted already is what is asked for.

Sources: mount(8), mount(2); CSI 1.13 "NodeStageVolume", "NodePublishVolume" (a repeated call with a different
capability at the same path is ALREADY_EXISTS).
"""

from dataclasses import dataclass

from common import errors, mount_flags
from node.codes import Code
from node.records.kernel import Mount
from node.records.probes import Probe, Superblock
from node.records.requests import Filesystem, Stage

_EXT = frozenset({"ext2", "ext3", "ext4"})
_OF_A_MOUNT = frozenset(
    {"ro", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "nosymfollow"}
    | {"noatime", "atime", "nodiratime", "diratime", "relatime", "norelatime", "strictatime"}
)
_SHOWN = frozenset({"ro", "nosuid", "nodev", "noexec", "nosymfollow", "noatime", "nodiratime"})  # in mountinfo, as such


def stage_options(wanted: Filesystem, *, read_only: bool) -> tuple[str, ...]:
    """Return the options of the staging mount.

    A copy of an xfs carries the UUID of its origin, and both may be on one node: nouuid. What an ext does after an
    error is never left to its superblock, which may say panic (ext4(5), errors=).
    """
    added = (*(("ro",) if read_only else ()), *(("nouuid",) if wanted.kind == "xfs" else ()))
    if wanted.kind in _EXT and not any(flag.startswith("errors=") for flag in wanted.flags):
        added = (*added, "errors=remount-ro")
    return tuple(dict.fromkeys((*wanted.flags, *added)))


def check_own_options(volume_id: str, block: Superblock) -> None:
    """Raise FailedPrecondition if a superblock sets a mount option that no class may set, such as another journal.

    Nor one that a class may set for reading alone: to write without the journal.

    What it says of errors does not matter: ``stage_options`` says it after it (ext4(5); tune2fs(8), mount_opts).
    """
    for option in block.mount_options.split(","):
        allowed = option not in mount_flags.READ_ONLY and mount_flags.is_allowed(block.kind, option)
        if option and not option.startswith("errors=") and not allowed:
            raise errors.FailedPrecondition(
                f"the {block.kind} of volume {volume_id} sets mount option {option!r} in its superblock",
                remedy="that is not allowed: take it out with tune2fs -E mount_opts= (the device of the volume)",
                error_code=Code.SUPERBLOCK_OPTION,
            )


def check_read_only(wanted: Stage, probe: Probe) -> None:
    """Raise FailedPrecondition for what cannot be mounted without writing to its device."""
    if probe.facts.read_only and not wanted.read_only:
        raise errors.FailedPrecondition(
            f"the device of volume {wanted.volume.id} is read-only, and writing is asked for",
            remedy="attach the volume for writing, or ask for a reader's access mode",
            error_code=Code.DEVICE_READ_ONLY,
        )
    if probe.facts.read_only and probe.superblock is not None and probe.superblock.needs_replay:
        raise errors.FailedPrecondition(
            f"the journal of volume {wanted.volume.id} has to be replayed, and its device is read-only",
            remedy="attach the volume for writing once",
            error_code=Code.JOURNAL_REPLAY,
        )


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
            remedy="delete the pods that use it: kubelet unpublishes and unstages it then",
            error_code=Code.STAGED_OTHERWISE,
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
            error_code=Code.NOT_SHARED,
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
