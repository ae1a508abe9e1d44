"""A disk in memory: not bytes, but what the bytes would mean. And the file system on it, with the log of its writer."""

from dataclasses import dataclass, field, replace

from node.records.probes import MultipleMount

GIB = 1 << 30


@dataclass
class Filesystem:
    """A file system. ``log`` holds the records that were synced, in order."""

    kind: str
    size_bytes: int
    uuid: str
    log: list[int] = field(default_factory=list)
    marked: bool = False  # it says of itself that it has errors
    mmp: list[MultipleMount | None] = field(default_factory=list)  # what each look finds, the last one again and again

    def copy(self) -> "Filesystem":
        """Return the same, independent."""
        return replace(self, log=list(self.log), mmp=list(self.mmp))


@dataclass
class Disk:
    """A disk. ``torn`` names the mkfs that was interrupted on it; ``block_log`` is what a raw writer synced."""

    size_bytes: int
    filesystem: Filesystem | None = None
    torn: str = ""
    block_log: list[int] = field(default_factory=list)

    def copy(self, size_bytes: int) -> "Disk":
        """Return a copy on a disk of that size."""
        made = self.filesystem.copy() if self.filesystem is not None else None
        return Disk(size_bytes, made, self.torn, list(self.block_log))

    @property
    def first_data(self) -> int | None:
        """Return where the first byte lies that is not zero; None on a blank disk."""
        if self.filesystem is not None:
            return 1080
        if self.torn:
            return 4096
        return 4096 if self.block_log else None
