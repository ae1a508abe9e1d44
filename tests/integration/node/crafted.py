"""Disks by seeded recipes: what somebody who can write a volume may put on it. None of them may be formatted.

A recipe is drawn by chance from a family. Signatures and structures are written by hand where that is faster than the
tool, and so that fields have values that no tool writes.

Sources: those of ``images``; UEFI 2.10, 5.3 (GPT); LUKS1 On-Disk Format 1.2.3; md(4); the file formats of SQLite,
PostgreSQL, InnoDB, LMDB, bbolt and QCOW2.
"""

import json
import struct
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from node.formats import scan_ranges
from tests.harness import luks
from tests.integration.node import images
from tests.integration.node.images import GIB, KIB, MIB, put
from tools.processes.run import run

Write = Callable[[Path], None]


@dataclass(frozen=True)
class Crafted:
    """A disk. ``ext``: it holds an ext file system, which may be checked, repaired and mounted, but not made again."""

    name: str
    size_bytes: int
    write: Write
    encrypted: bool = False  # it is staged for a class with encryption
    ext: bool = False


Family = Callable[[Random], tuple[int, Write]]


def crafted(family: Family, seed: str, count: int) -> Iterator[Crafted]:
    """Yield ``count`` disks of a family."""
    for number in range(count):
        name = f"{family.__name__} {seed}-{number}"
        size_bytes, write = family(Random(name))  # noqa: S311  # drawn again from the seed
        yield Crafted(name, size_bytes, write, encrypted=family in _ENCRYPTED, ext=family in _EXT)


def _size(chance: Random) -> int:
    return chance.choice([64 * MIB, 300 * MIB + 512 * KIB, GIB, 5 * GIB])


def _noise(chance: Random, length: int) -> bytes:
    return chance.randbytes(length - 1) + b"\1"


def _puts(places: Sequence[tuple[int, bytes]]) -> Write:
    def write(path: Path) -> None:
        for offset, data in places:
            put(path, offset, data)

    return write


def _with_fields(chance: Random, block: bytearray, fields: Sequence[tuple[int, str]], changes: int) -> bytes:
    """Give some fields, each an offset and a format of ``struct``, values at the edges of what fits."""
    for offset, layout in chance.sample(fields, min(changes, len(fields))):
        bits = struct.calcsize(layout) * 8
        value = chance.choice([0, 1, (1 << bits) - 1, 1 << (bits - 1), chance.getrandbits(bits)])
        struct.pack_into(layout, block, offset, value)
    return bytes(block)


_EXT_FIELDS = [(at, "<I") for at in (0, 4, 20, 24, 28, 32, 40, 76, 84, 92, 96, 100, 224, 228, 336, 404)]
_EXT_FIELDS += [(at, "<H") for at in (52, 54, 58, 60, 88, 90, 254, 256, 258)]


def _ext_superblock(chance: Random, size_bytes: int) -> bytes:
    block = bytearray(1024)
    blocks = size_bytes // 4096
    struct.pack_into("<IIIII", block, 0, 8192, blocks, 0, blocks // 2, 8000)
    struct.pack_into("<III", block, 20, 0, 2, 2)
    struct.pack_into("<III", block, 32, 32768, 32768, 8192)
    struct.pack_into("<H", block, 56, 0xEF53)
    struct.pack_into("<II", block, 76, 1, 11)
    struct.pack_into("<H", block, 88, 256)
    block[104:120] = chance.randbytes(16)
    block[120:136] = chance.choice([b"", b"x\nTYPE=xfs", b"\x1b[31m", b"\xff\xfe"]).ljust(16, b"\0")
    options = chance.choice([b"", b"errors=panic", b"journal_path=/dev/sda", chance.randbytes(60)])
    block[0x200 : 0x200 + len(options)] = options
    return bytes(block)


def ext_by_hand(chance: Random) -> tuple[int, Write]:
    """A superblock and nothing else, at its place or at that of a copy."""
    size_bytes = _size(chance)
    block = bytearray(_ext_superblock(chance, size_bytes))
    at = chance.choice([KIB, KIB, KIB, 8193 * KIB, 32 * MIB])
    return size_bytes, _puts([(at, _with_fields(chance, block, _EXT_FIELDS, chance.randrange(6)))])


def ext_damaged(chance: Random) -> tuple[int, Write]:
    """A real file system, damaged at random."""
    kind = chance.choice(["ext2", "ext3", "ext4", "ext4", "ext4"])
    newer = ["^metadata_csum", "bigalloc", "inline_data", "^64bit"] if kind == "ext4" else []
    features = chance.choice(["", "^resize_inode", "mmp", *newer])
    argv = [f"mkfs.{kind}", "-q", "-F", "-b", chance.choice(["1024", "4096"]), *(["-O", features] if features else [])]
    damage = [
        (chance.randrange(chance.choice([4 * KIB, MIB, 60 * MIB])), chance.randbytes(chance.choice([1, 4, 64, 512])))
        for _ in range(chance.choice([0, 1, 3, 20]))
    ]
    kept = [(at, data) for at, data in damage if not KIB - 512 < at < KIB + 136]  # the mark and the UUID

    def write(path: Path) -> None:
        run(*argv, str(path))
        _puts(kept)(path)

    return 64 * MIB, write


def xfs_by_hand(chance: Random) -> tuple[int, Write]:
    """A superblock with odd fields."""
    size_bytes = _size(chance)
    block = bytearray(512)
    struct.pack_into(">4sIQ", block, 0, b"XFSB", 4096, size_bytes // 4096)
    block[32:48] = chance.randbytes(16)
    struct.pack_into(">IIIIHHHH", block, 84, 65536, 4, 0, 2560, 0xB4A5, 512, 512, 8)
    fields = [(at, ">I") for at in (4, 80, 84, 88, 96)] + [(at, ">Q") for at in (8, 16, 48, 56)]
    fields += [(at, ">H") for at in (100, 102, 104, 106)] + [(126, ">B")]
    return size_bytes, _puts([(0, _with_fields(chance, block, fields, chance.randrange(4)))])


def xfs_damaged(chance: Random) -> tuple[int, Write]:
    """A real file system of another kind than is asked for, damaged at random."""
    return 300 * MIB, _made_and_damaged(chance, ("mkfs.xfs", "-q", "-f"), 4096)


def btrfs_damaged(chance: Random) -> tuple[int, Write]:
    """A real file system of another kind than is asked for, damaged at random."""
    return 128 * MIB, _made_and_damaged(chance, ("mkfs.btrfs", "-q", "-f"), 70 * KIB)


def _made_and_damaged(chance: Random, argv: tuple[str, ...], within: int) -> Write:
    damage = [(chance.randrange(within), chance.randbytes(4)) for _ in range(chance.randrange(5))]

    def write(path: Path) -> None:
        run(*argv, str(path))
        _puts(damage)(path)

    return write


def btrfs_by_hand(chance: Random) -> tuple[int, Write]:
    """A superblock with odd fields, at its place or at that of its copy."""
    block = bytearray(4096)
    block[0x20:0x30] = chance.randbytes(16)
    struct.pack_into("<QQ8sQ", block, 0x30, 65536, 1, b"_BHRfS_M", 5)
    struct.pack_into("<QQQQ", block, 0x70, GIB, 1 << 20, 6, chance.choice([0, 1, 2, 1 << 40]))
    struct.pack_into("<IIII", block, 0x90, 4096, 16384, 16384, 4096)
    fields = [(at, "<Q") for at in (0x30, 0x38, 0x48, 0x70, 0x88, 0xD1)] + [(at, "<I") for at in (0x90, 0x94, 0xA0)]
    at = chance.choice([64 * KIB, 64 * KIB, 64 * MIB])
    return GIB, _puts([(at, _with_fields(chance, block, fields, chance.randrange(4)))])


def luks1(chance: Random) -> tuple[int, Write]:
    """A header of the first version, with odd fields."""
    block = bytearray(592)
    block[:8] = b"LUKS\xba\xbe\0\1"
    cipher = chance.choice([b"aes", b"cipher_null", b"\xff" * 32])
    mode = chance.choice([b"xts-plain64", b"ecb", b""])
    struct.pack_into(">32s32s32sII20s32sI40s", block, 8, cipher, mode, b"sha256", 4096, 64, b"", b"", 1000, b"uuid")
    for slot in range(8):
        struct.pack_into(">II32sII", block, 208 + slot * 48, 0x00AC71F3, 1 << 31, b"", 8, 4000)
    fields = [(at, ">I") for at in (104, 108, 164, 208, 212, 248, 252)]
    return _size(chance), _puts([(0, _with_fields(chance, block, fields, chance.randrange(4)))])


_JSON: tuple[object, ...] = (
    None,
    True,
    -1,
    1 << 70,
    1e300,
    "",
    "0",
    "dynamic",
    [],
    {},
    [[]],
    {"0": {}},
    "\ud800",
    "x" * 3000,
)
_MEMBERS = (
    *("keyslots", "segments", "digests", "tokens", "config", "keyslots/0", "segments/0", "digests/0", "tokens/0"),
    *("keyslots/0/kdf", "keyslots/0/area", "keyslots/0/af", "config/requirements", "config/flags", "segments/0/offset"),
)
# Well-formed, each of them.
_HARMLESS: list[tuple[str, object]] = [
    ("config/flags", []),
    ("config/requirements", {}),
    ("tokens", {}),
    ("keyslots", {}),
]
_AREAS = (b"[" * 12000, b'{"config":' * 1200, b"{", b"\0", b"\xff" * 12288, b"{}", b"9" * 12000, b'{"a":1,"a":2}')
_HOSTILE: tuple[tuple[str, object], ...] = (
    ("segments/0/encryption", "cipher_null-ecb"),
    ("segments/0/encryption", "aes-ecb"),
    ("segments/0/type", "linear"),
    ("segments/0/sector_size", 1024),
    ("segments/0/offset", "0"),
    ("keyslots/0/area/encryption", "cipher_null-ecb"),
    ("keyslots/0/area/encryption", "null"),
    ("keyslots/0/area/offset", "0"),
    ("keyslots/0/area/size", str(1 << 40)),
    ("keyslots/0/key_size", 1),
    ("keyslots/0/af/stripes", 1 << 31),
    ("keyslots/0/kdf/memory", 4 << 20),
    ("keyslots/0/kdf/time", 4_000_000_000),
    ("keyslots/0/kdf/cpus", 1 << 20),
    ("keyslots/0/kdf", {"type": "pbkdf2", "hash": "sha256", "iterations": 1 << 32, "salt": "AAAA"}),
    ("keyslots/0/kdf", {"type": "pbkdf2", "hash": "md5", "iterations": 1, "salt": ""}),
    ("digests/0/iterations", 1 << 32),
    ("digests", {}),
    ("config/flags", ["allow-discards"]),
    ("config/requirements", {"mandatory": ["online-reencrypt-v2"]}),
    ("tokens/0", {"type": "luks2-keyring", "keyslots": ["0"], "key_description": "x"}),
)


def _luks2(member: str, value: object, area: bytes | None, *, subsystem: str, sequence: int = 3) -> Write:
    def write(path: Path) -> None:
        written = json.dumps(luks.metadata(member, value)).encode() if area is None else area
        put(path, 0, luks.area(written[:12288], label=path.stem, subsystem=subsystem, sequence=sequence))

    return write


def _decoy(member: str, value: object, subsystem: str) -> Write:
    """A newer copy that is well-formed, and that cryptsetup rejects: it then takes the older one."""

    def write(path: Path) -> None:
        make = partial(luks.header_copy, label=path.stem, subsystem=subsystem)
        put(path, 0, make(json.dumps(luks.metadata(member, value)).encode(), sequence=8))
        decoy = json.dumps(luks.metadata("config/keyslots_size", "1")).encode()
        put(path, 0x4000, make(decoy, sequence=9, at=0x4000))

    return write


def luks2_malformed(chance: Random) -> tuple[int, Write]:
    """Checksums that are right, over whatever JSON, on a volume that is not encrypted."""
    area = chance.choice([*_AREAS, None, None, None, None, None, None, None, None])
    member, value = chance.choice([(name, odd) for name in _MEMBERS for odd in _JSON if (name, odd) not in _HARMLESS])
    subsystem = chance.choice(["aiocsi", "aiocsi", "aiocsi-new", "", "\x1b[2J"])
    return _size(chance), _luks2(member, value, area, subsystem=subsystem, sequence=chance.randrange(1 << 60))


def luks2_malformed_encrypted(chance: Random) -> tuple[int, Write]:
    """The same, on a volume that is."""
    return luks2_malformed(chance)


def hostile_headers() -> Iterator[Crafted]:
    """Headers with the volume's own label that are well-formed, and ask for what no class asks for."""
    for member, value in _HOSTILE:
        for subsystem in ("aiocsi", "aiocsi-new"):
            write, decoy = _luks2(member, value, None, subsystem=subsystem), _decoy(member, value, subsystem)
            yield Crafted(f"{member} {value} {subsystem}", GIB, write, encrypted=True)
            yield Crafted(f"older copy: {member} {value} {subsystem}", GIB, decoy, encrypted=True)


def luks2_elsewhere(chance: Random) -> tuple[int, Write]:
    """Copies of other sizes, checksums and sequence numbers than cryptsetup gives them."""
    size, by = chance.choice([0x4000, 0x8000, 0x400000]), chance.choice(["sha256", "sha512", "sha1"])
    hostile = json.dumps(luks.metadata("segments/0/encryption", "cipher_null-ecb")).encode()

    def write(path: Path) -> None:
        good = json.dumps(luks.metadata()).encode()
        make = partial(luks.header_copy, label=path.stem, subsystem="aiocsi")
        put(path, 0, make(hostile, sequence=9, size=size, by=by))
        put(path, 0x4000, make(good, sequence=8, at=0x4000))
        put(path, size, make(hostile, sequence=10, at=size, size=size, by=by))

    return GIB, write


def gpt(chance: Random) -> tuple[int, Write]:
    """A partition table: whole, one half of it, or with wrong checksums."""
    size_bytes = _size(chance)
    last = size_bytes // 512 - 1
    entry = uuid.uuid4().bytes_le + chance.randbytes(16) + struct.pack("<QQQ72s", 2048, last - 40, 0, b"x\0")
    entries = (entry * chance.randrange(3)).ljust(128 * 128, b"\0")
    crc = zlib.crc32(entries) ^ chance.choice([0, 0, 1])

    def header(at: int, other: int, table: int) -> bytes:
        fields = (at, other, 34, last - 34, chance.randbytes(16), table, 128, 128, crc)
        body = bytearray(struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, *fields))
        struct.pack_into("<I", body, 16, zlib.crc32(body))
        return bytes(body).ljust(512, b"\0")

    first = [(512, header(1, last, 2)), (1024, entries)]
    second = [(last * 512, header(last, 1, last - 32)), ((last - 32) * 512, entries)]
    protective = [(446, b"\0\0\2\0\xee\xff\xff\xff" + struct.pack("<II", 1, last)), (510, b"\x55\xaa")]
    return size_bytes, _puts(chance.choice([[*protective, *first, *second], [*first], [*second], [*protective]]))


def mbr(chance: Random) -> tuple[int, Write]:
    """A table of the first kind, with partitions anywhere."""
    table = b"".join(
        struct.pack("<B3sB3sII", chance.choice([0, 0x80, 7]), b"", kind, b"", *chance.choices(range(1 << 32), k=2))
        for kind in chance.choices([0, 5, 7, 0x82, 0x83, 0x8E, 0xEE, 0xFD], k=4)
    )
    return _size(chance), _puts([(446, table + b"\x55\xaa")])


def raid(chance: Random) -> tuple[int, Write]:
    """A member of a software RAID, at each of the places where its superblock can be."""
    size_bytes = _size(chance)
    minor = chance.randrange(3)
    offset = {0: (size_bytes - 8 * KIB) // 4096 * 4096, 1: 0, 2: 4 * KIB}[minor]
    block = bytearray(256)
    struct.pack_into("<4I16s", block, 0, 0xA92B4EFC, 1, 0, 0, chance.randbytes(16))
    struct.pack_into("<Q", block, 144, offset // 512)
    old = struct.pack("<4I", 0xA92B4EFC, 0, 90, 0) + chance.randbytes(100)
    places = [(offset, _with_fields(chance, block, [(8, "<I"), (72, "<I"), (80, "<Q"), (216, "<I")], 2))]
    return size_bytes, _puts(chance.choice([places, [(size_bytes // 65536 * 65536 - 65536, old)]]))


def lvm(chance: Random) -> tuple[int, Write]:
    """A physical volume, its label in one of the first four sectors."""
    sector = chance.randrange(4)
    label = b"LABELONE" + struct.pack("<QII", sector, chance.getrandbits(32), 32) + b"LVM2 001" + chance.randbytes(32)
    return _size(chance), _puts([(sector * 512, label)])


def swap(chance: Random) -> tuple[int, Write]:
    """Swap space of each page size, or a suspended system in it."""
    page = chance.choice([4, 8, 16, 32, 64]) * KIB
    mark = chance.choice([b"SWAPSPACE2", b"SWAP-SPACE", b"S1SUSPEND\0", b"S2SUSPEND\0"])
    head = struct.pack("<III", 1, chance.choice([1, 15000, (1 << 32) - 1]), 0) + chance.randbytes(32)
    return _size(chance), _puts([(1024, head), (page - 10, mark)])


def zfs(chance: Random) -> tuple[int, Write]:
    """Some of the four labels."""
    size_bytes = _size(chance)
    label = struct.pack(chance.choice(["<QQQ", ">QQQ"]), 0x00BAB10C, 5000, 1) + bytes(1000)
    at = [0, 256 * KIB, size_bytes - 512 * KIB, size_bytes - 256 * KIB]
    chosen = chance.sample(at, chance.randrange(1, 5))
    return size_bytes, _puts([(each + (128 + index) * KIB, label) for each in chosen for index in range(8)])


def other_mark(chance: Random) -> tuple[int, Write]:
    """A mark of some other format, as in the corpus."""
    return GIB, chance.choice(list(images.written_by_hand())).make


_FILES = (
    (0, b"SQLite format 3\0\x10\0\1\1\0@  "),
    (0, struct.pack("<QIHHHHHHI", 0x16D4A8, 0, 0, 24, 8192, 8192, 0x2004, 0, 0) + bytes(100)),  # a page of PostgreSQL
    (34, struct.pack(">I", 7) + b"\x45\xbf"),  # InnoDB: the space id of a page
    (16, struct.pack("<III", 0xED0CDAED, 2, 4096)),  # bbolt
    (16, struct.pack("<II", 0xBEEFC0DE, 1)),  # LMDB
    (0, b"QFI\xfb\0\0\0\3"),
    (0, b"KDMV\1\0\0\0"),
    (0, b"\x1f\x8b\x08\0"),
    (0, b"\xfd7zXZ\0"),
    (257, b"ustar\x0000"),
    (0, b"RIFF"),
    (0, b"%PDF-1.7"),
)


def data_file(chance: Random) -> tuple[int, Write]:
    """A file that was written onto the disk itself, at a place where one begins."""
    at, mark = chance.choice(_FILES)
    pages = _noise(chance, chance.choice([512, 8192, 256 * KIB]))
    start = chance.choice([0, 0, 4 * KIB, MIB, 2 * MIB])
    return _size(chance), _puts([(start + at, mark), (start + 8 * KIB - 512, pages)])


def sparse_noise(chance: Random) -> tuple[int, Write]:
    """Single bytes at places that are read. What lies between them is a probability (when-we-format.md)."""
    size_bytes = _size(chance)
    places = chance.sample(scan_ranges.ranges(size_bytes), chance.choice([1, 1, 3, 20]))
    return size_bytes, _puts([(start + chance.randrange(length), b"\1") for start, length in places])


def used_share(chance: Random) -> tuple[int, Write]:
    """Two percent of the disk written, in pieces of 64 KiB to 1 MiB at random, without a mark at either end."""
    piece = chance.choice([64 * KIB, 256 * KIB, MIB])
    data = _noise(chance, piece)
    places = range(256 * MIB // 50 // piece)
    return 256 * MIB, _puts([(chance.randrange(MIB, 254 * MIB), data) for _ in places])


def two_marks(chance: Random) -> tuple[int, Write]:
    """One format over another."""
    (size_bytes, first), (_, second) = ext_by_hand(chance), chance.choice([xfs_by_hand, swap, lvm, mbr, luks1])(chance)

    def write(path: Path) -> None:
        first(path)
        second(path)

    return size_bytes, write


_EXT: tuple[Family, ...] = (ext_damaged, ext_by_hand)
_ENCRYPTED: tuple[Family, ...] = (luks2_malformed_encrypted, luks2_elsewhere)
FAMILIES: tuple[Family, ...] = (
    *_EXT,
    *_ENCRYPTED,
    *(xfs_by_hand, xfs_damaged, btrfs_by_hand, btrfs_damaged, luks1, luks2_malformed, gpt, mbr, raid, lvm, swap, zfs),
    *(other_mark, data_file, sparse_noise, used_share, two_marks),
)
