"""What the kernel says of block devices and mounts, as frozen records."""

from dataclasses import dataclass


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
class IoCounts:
    """What a disk has done since it appeared."""

    sequence: str  # diskseq
    reads: int
    read_bytes: int
    read_seconds: float
    writes: int
    written_bytes: int
    write_seconds: float
    in_flight: int
    io_seconds: float
    errors: int


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
class Mapper:
    """A device-mapper device of the name that is ours for a volume."""

    kernel_name: str  # dm-0
    number: str
    name: str
    uuid: str  # CRYPT-LUKS2-<UUID of the header>-<name>
    size_bytes: int
    disk: str  # number of the disk below; empty: it is gone
