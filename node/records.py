"""What the node is asked for, and what it finds, as frozen records: the language of staging, publishing and rules."""

from dataclasses import dataclass, field

from common.encryption import Encryption


@dataclass(frozen=True)
class Volume:
    """A volume as the controller describes it to the node."""

    id: str
    name: str  # in the cloud; the device carries it
    min_bytes: int = 0  # the device is at least as large; 0: the attachment does not say
    never_format: str = ""  # why this volume is never formatted; empty: it may be, when it is blank
    copied: bool = False  # made from a snapshot or another volume
    encryption: Encryption | None = None  # None: it is not encrypted


@dataclass(frozen=True)
class Keys:
    """Passphrases, in no repr. ``old`` is the one before, while it is being replaced; empty: it is not."""

    passphrase: bytes = field(default=b"", repr=False)
    old: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class FormatOptions:
    """How a file system is made; 0 or empty: its mkfs decides."""

    block_bytes: int = 0
    inode_bytes: int = 0
    bytes_per_inode: int = 0
    reserved_percent: int = 0  # ext only: blocks that root alone may use
    label: str = ""


@dataclass(frozen=True)
class Filesystem:
    """The file system that is asked for."""

    kind: str  # ext3, ext4, xfs or btrfs
    flags: tuple[str, ...] = ()  # mount options, checked
    options: FormatOptions = field(default_factory=FormatOptions)


@dataclass(frozen=True)
class Stage:
    """NodeStageVolume. Without a file system the volume is used as a raw block device."""

    volume: Volume
    path: str
    filesystem: Filesystem | None
    read_only: bool
    keys: Keys = field(default_factory=Keys)


@dataclass(frozen=True)
class Publish:
    """NodePublishVolume."""

    volume: Volume
    staging_path: str
    target: str
    filesystem: Filesystem | None
    read_only: bool
    alone: bool  # one publish at a time on this node (SINGLE_NODE_SINGLE_WRITER)


@dataclass(frozen=True)
class Place:
    """A volume at a path: what unpublish, unstage, stats and health are asked about."""

    volume_id: str
    path: str
    staging_path: str = ""


@dataclass(frozen=True)
class Expand:
    """NodeExpandVolume."""

    place: Place
    required_bytes: int  # 0: as large as the device is
    limit_bytes: int  # 0: no limit
    block: bool | None  # None: the caller does not say
    keys: Keys = field(default_factory=Keys)


@dataclass(frozen=True)
class Facts:
    """What the kernel says of a block device."""

    kernel_name: str  # sda, loop3
    number: str  # major:minor, as in mountinfo
    size_bytes: int
    read_only: bool = False
    vendor: str = ""  # SCSI only
    model: str = ""  # SCSI only
    state: str = ""  # SCSI only: running, offline, blocked, …
    page83: bytes = b""  # SCSI only: VPD page 0x83, device identification
    backing_file: str = ""  # loop devices only
    holders: tuple[str, ...] = ()  # kernel names of what is stacked upon it: device-mapper, md, bcache
    partitions: tuple[str, ...] = ()
    sequence: str = ""  # diskseq: another number for each attachment of a disk since boot
    errors: int = 0  # commands that ended in an I/O error since the device appeared
    mapper: str = ""  # the name of one of our mappers; identity, state and errors are then those of the disk below it
    disk: str = ""  # the number of that disk; empty under a mapper: the disk is gone


@dataclass(frozen=True)
class Traffic:
    """The commands of a disk."""

    completed: int = 0  # since it appeared
    outstanding: int = 0  # given to it, and not answered yet


@dataclass(frozen=True)
class Mount:
    """One line of /proc/self/mountinfo (man 5 proc_pid_mountinfo)."""

    id: int
    parent: int
    number: str  # major:minor of the file system; of the device, where it has one
    root: str  # the folder, or file, of the file system that is mounted here
    point: str
    options: frozenset[str]  # of this mount: ro, nosuid, …
    shared: bool  # a mount made below it shows up in the mount namespaces of its peers
    kind: str  # ext4, xfs, …
    source: str
    super_options: frozenset[str]  # of the file system as a whole: ro after an error, …

    @property
    def read_only(self) -> bool:
        """Whether writing through this mount is refused, for whatever reason."""
        return "ro" in self.options or "ro" in self.super_options


@dataclass(frozen=True)
class Superblock:
    """What a file system says of itself in its first superblock."""

    kind: str
    size_bytes: int
    uuid: str
    devices: int = 1  # btrfs may span several
    errors: int = 0  # ext: errors that the kernel found since the last fsck
    needs_replay: bool = False  # ext: the journal holds what is not yet in place
    unfinished: bool = False  # xfs: mkfs has not ended; ext and btrfs write their mark last


@dataclass(frozen=True)
class Header:
    """What a LUKS header says of itself."""

    version: int
    label: str = ""
    subsystem: str = ""
    uuid: str = ""
    slots: int = 0  # keys by which it opens
    payload_at: int = 0  # byte offset of what is encrypted
    requires: tuple[str, ...] = ()  # what a program must know beyond LUKS2 itself: a re-encryption under way


@dataclass(frozen=True)
class Mapper:
    """A device-mapper device of the name that is ours for a volume."""

    kernel_name: str  # dm-0
    number: str
    name: str
    uuid: str  # CRYPT-LUKS2-<UUID of the header>-<name>
    size_bytes: int
    disk: str  # number of the disk below; empty: it is gone


@dataclass(frozen=True)
class Signature:
    """What the low-level probe says: nothing (empty fields), one thing, or that it cannot tell (ambivalent)."""

    kind: str = ""  # ext4, crypto_LUKS, LVM2_member, …
    usage: str = ""  # filesystem, raid, crypto, other
    table: str = ""  # of partitions: dos, gpt, …
    ambivalent: bool = False


@dataclass(frozen=True)
class Scan:
    """Own reads of a device: what was read, and where the first byte that is not zero lies."""

    read_bytes: int
    first_data: int | None = None  # byte offset
    failed_at: int | None = None  # byte offset of a range that could not be read
    reason: str = ""  # why it could not be read


@dataclass(frozen=True)
class Probe:
    """All that is known of a device's content. ``scan`` is made only if no signature was found."""

    facts: Facts
    signature: Signature
    superblock: Superblock | None = None
    scan: Scan | None = None
    header: Header | None = None  # of LUKS; read only for a volume that is to be encrypted


@dataclass(frozen=True)
class Intent:
    """A format that was begun: written and synced before mkfs, removed after it."""

    volume_id: str
    kind: str
    size_bytes: int
    boot: str
    sequence: str


@dataclass(frozen=True)
class Staged:
    """What is remembered of a staged volume, so that unstage, stats and health know its device."""

    volume_id: str
    volume_name: str
    path: str
    number: str  # of the device that is used: of an encrypted volume its mapper
    kind: str  # empty: raw block
    flags: tuple[str, ...] = ()
    read_only: bool = False
    errors: int = 0  # what the device's error counter stood at: kernels count harmless refusals while they probe a disk
    to_grow: bool = False  # the file system is smaller than its device, and is grown once it is mounted
    set_read_only: bool = False  # the device itself was made read-only by us, for a read-only raw block publish
    disk: str = ""  # of an encrypted volume: the number of the disk below its mapper


@dataclass(frozen=True)
class Published:
    """What is remembered of a published volume."""

    volume_id: str
    target: str
    block: bool
    read_only: bool
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """How full a volume is. Inodes are 0 where the file system has no fixed number of them."""

    total_bytes: int
    used_bytes: int = 0
    available_bytes: int = 0
    total_inodes: int = 0
    used_inodes: int = 0
    available_inodes: int = 0
    block: bool = False


@dataclass(frozen=True)
class Finding:
    """Something wrong with a volume, or with the storage of this node."""

    severity: str  # degraded, inaccessible, data_loss, unreachable
    reason: str  # stable, CamelCase
    message: str


@dataclass(frozen=True)
class NodeInfo:
    """NodeGetInfo."""

    node_id: str
    region: str
    max_volumes: int
