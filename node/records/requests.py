"""What the node is asked to do, as frozen records."""

from dataclasses import dataclass, field

from common.encryption import Encryption
from common.format_parameters import FormatOptions


@dataclass(frozen=True)
class VolumeSpec:
    """A volume as the controller describes it to the node."""

    id: str
    name: str  # in the cloud; the device carries it
    min_bytes: int = 0  # the device is at least as large; 0: the attachment does not say
    never_format: str = ""  # why this volume is never formatted; empty: it may be, when it is blank
    copied: bool = False  # made from a snapshot or another volume
    encryption: Encryption | None = None  # None: it is not encrypted
    raw: bool = False  # used as a raw block device: what is on it, and what its pods make of it, is theirs


@dataclass(frozen=True)
class Keys:
    """Passphrases, in no repr. ``old`` is the one before, while it is being replaced; empty: it is not."""

    passphrase: bytes = field(default=b"", repr=False)
    old: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Filesystem:
    """The file system that is asked for."""

    kind: str  # ext3, ext4, xfs or btrfs
    flags: tuple[str, ...] = ()  # mount options, checked
    options: FormatOptions = field(default_factory=FormatOptions)


@dataclass(frozen=True)
class Stage:
    """NodeStageVolume. Without a file system the volume is used as a raw block device."""

    volume: VolumeSpec
    path: str
    filesystem: Filesystem | None
    read_only: bool
    keys: Keys = field(default_factory=Keys)


@dataclass(frozen=True)
class Publish:
    """NodePublishVolume."""

    volume: VolumeSpec
    staging_path: str
    target: str
    filesystem: Filesystem | None
    read_only: bool
    alone: bool  # one publish at a time on this node (SINGLE_NODE_SINGLE_WRITER)


@dataclass(frozen=True)
class VolumePath:
    """A volume at a path: what unpublish, unstage, stats and health are asked about."""

    volume_id: str
    path: str
    staging_path: str = ""


@dataclass(frozen=True)
class Expand:
    """NodeExpandVolume."""

    place: VolumePath
    required_bytes: int  # 0: as large as the device is
    limit_bytes: int  # 0: no limit
    block: bool | None  # None: the caller does not say
    keys: Keys = field(default_factory=Keys)
