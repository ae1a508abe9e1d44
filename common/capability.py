"""What a StorageClass or a PersistentVolume may ask for: one verdict for the controller and the node.

The controller refuses a wrong class before a volume is made and paid for, the node a wrong PersistentVolume.

Source: CSI 1.13 "VolumeCapability".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from common import encryption, errors, format_parameters, mount_flags
from common.codes import Code
from common.encryption import Encryption
from common.format_parameters import FormatOptions

FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs", "btrfs")
DEFAULT_FILE_SYSTEM = "ext4"
_READER, _SINGLE_WRITER = "SINGLE_NODE_READER_ONLY", "SINGLE_NODE_SINGLE_WRITER"
_MODES = frozenset({"SINGLE_NODE_WRITER", "SINGLE_NODE_MULTI_WRITER", _READER, _SINGLE_WRITER})


class AccessType(Enum):
    """How a volume is used on a node."""

    MOUNT = auto()
    BLOCK = auto()


@dataclass(frozen=True)
class Capability:
    """One way to use a volume, as asked for; ``mode`` is the name of the access mode in CSI."""

    mode: str
    access: AccessType | None  # None: none was named
    fs_type: str = ""
    mount_flags: tuple[str, ...] = ()
    mount_group: str = ""


@dataclass(frozen=True)
class Use:
    """One way to use a volume, checked."""

    fs_type: str = ""  # empty: as a raw block device
    mount_flags: tuple[str, ...] = ()
    format: FormatOptions = field(default_factory=FormatOptions)
    encryption: Encryption | None = None
    read_only: bool = False
    alone: bool = False  # one publish at a time


def parse(asked: Capability, parameters: Mapping[str, str]) -> Use:
    """Check a capability, and the parameters of a StorageClass or the volume context. Raises InvalidArgument."""
    if asked.access is None:
        raise errors.InvalidArgument("the volume capability names neither mount nor block")
    if asked.mode not in _MODES:
        raise errors.InvalidArgument(
            f"access mode {asked.mode} is not offered: a volume is attached to one node at a time"
            if asked.mode
            else "the volume capability has no access mode",
            remedy="use ReadWriteOnce or ReadWriteOncePod",
            error_code=Code.ACCESS_MODE,
        )
    encrypted, alone = encryption.parse(parameters), asked.mode == _SINGLE_WRITER
    if asked.access is AccessType.BLOCK:
        return Use(encryption=encrypted, read_only=asked.mode == _READER, alone=alone)
    fs_type = _fs_type(asked.fs_type)
    if asked.mount_group:
        raise errors.InvalidArgument("volume_mount_group is not offered: kubelet applies fsGroup itself")
    flags = mount_flags.parse(fs_type, asked.mount_flags, read_only=asked.mode == _READER)
    return Use(
        fs_type=fs_type,
        mount_flags=flags,
        format=format_parameters.parse(fs_type, parameters),
        encryption=encrypted,
        read_only=asked.mode == _READER or "ro" in flags,
        alone=alone,
    )


def _fs_type(given: str) -> str:
    found = given.lower() or DEFAULT_FILE_SYSTEM
    if found not in FILE_SYSTEMS:
        raise errors.InvalidArgument(
            f"unknown file system {given[:40]!r}",
            remedy=f"use one of {', '.join(FILE_SYSTEMS)} (fsType)",
            error_code=Code.FILE_SYSTEM_TYPE,
        )
    return found
