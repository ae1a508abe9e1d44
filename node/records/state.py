"""What the node remembers across restarts: each record is one file of the state folder."""

from dataclasses import dataclass, replace


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
    other_paths: tuple[str, ...] = ()  # where it is staged, too: kubelet has changed its paths

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path at which the volume is staged."""
        return (self.path, *self.other_paths)

    def staged_at(self, path: str) -> "Staged":
        """Return the record with one path more."""
        return replace(self, path=path, other_paths=tuple(each for each in self.paths if each != path))

    def without(self, path: str) -> "Staged | None":
        """Return the record without a path; None if that was the last one."""
        left = [each for each in self.paths if each != path]
        return replace(self, path=left[0], other_paths=tuple(left[1:])) if left else None


@dataclass(frozen=True)
class Published:
    """What is remembered of a published volume."""

    volume_id: str
    target: str
    block: bool
    read_only: bool
    flags: tuple[str, ...] = ()
