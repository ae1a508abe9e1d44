"""What a LUKS header says, as frozen records. Sizes and offsets are bytes, unless a name says otherwise."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KeySlot:
    """One key by which a volume opens, and what it costs to derive it."""

    key_bits: int  # of the volume key in it
    cipher: str  # of its area
    cipher_key_bits: int
    at: int
    size: int
    stripes: int
    split_hash: str
    pbkdf: str
    pbkdf_hash: str  # of pbkdf2
    memory_kib: int
    iterations: int
    threads: int
    salt_bytes: int


@dataclass(frozen=True)
class Segment:
    """What is encrypted."""

    kind: str
    at: int
    size: int  # 0: up to the end of the disk
    iv_offset: int
    cipher: str
    sector_bytes: int


@dataclass(frozen=True)
class Digest:
    """How a volume key is recognised."""

    kind: str
    hash: str
    iterations: int
    salt_bytes: int
    segments: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """What a LUKS header says of itself. ``malformed`` says what is wrong with one that cannot be read."""

    version: int
    label: str = ""
    subsystem: str = ""
    uuid: str = ""
    slots: tuple[KeySlot, ...] = ()
    segments: tuple[Segment, ...] = ()
    digests: tuple[Digest, ...] = ()
    flags: tuple[str, ...] = ()  # with which it asks to be opened
    tokens: tuple[str, ...] = ()  # kinds of what else opens it
    requires: tuple[str, ...] = ()  # what a program must know beyond LUKS2 itself: a re-encryption under way
    malformed: str = ""
    older: "Header | None" = None  # its other copy, if that says something else

    @property
    def payload_at(self) -> int:
        """The byte offset of what is encrypted."""
        return min((segment.at for segment in self.segments), default=0)
