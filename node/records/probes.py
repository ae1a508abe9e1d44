"""What was read of a device's content, as frozen records."""

from dataclasses import dataclass

from node.records.kernel import Facts
from node.records.luks import Header


@dataclass(frozen=True)
class Superblock:
    """What a file system says of itself in its first superblock."""

    kind: str
    size_bytes: int
    uuid: str
    devices: int = 1  # btrfs may span several
    errors: int = 0  # ext: errors that the kernel found since the last fsck
    marked: bool = False  # ext: it says of itself that it has errors, so fsck will look at all of it
    needs_replay: bool = False  # ext: the journal holds what is not yet in place
    mount_options: str = ""  # ext: with which it asks to be mounted (tune2fs -E mount_opts)
    external_journal: bool = False  # ext: on another device, which it names
    unfinished: bool = False  # xfs: mkfs has not ended; ext and btrfs write their mark last
    mmp_at: int | None = None  # ext: byte offset of the block of multiple mount protection; None: it has none
    mmp_seconds: int = 0  # ext: how often a host that has it mounted writes that block


@dataclass(frozen=True)
class MultipleMount:
    """The block of multiple mount protection: what the last host to mount an ext for writing has written there."""

    sequence: int  # another number at each write, while it is mounted
    check_seconds: int  # how long its writes are apart at the most
    host: str
    device: str


@dataclass(frozen=True)
class Signature:
    """What the low-level probe says: nothing (empty fields), one thing, or that it cannot tell (ambivalent)."""

    kind: str = ""  # ext4, crypto_LUKS, LVM2_member, …
    usage: str = ""  # filesystem, raid, crypto, other
    table: str = ""  # of partitions: dos, gpt, …
    ambivalent: bool = False


@dataclass(frozen=True)
class ScanResult:
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
    scan: ScanResult | None = None
    header: Header | None = None  # of LUKS; read only for a volume that is to be encrypted
