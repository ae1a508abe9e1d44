"""Disk images by their makers: what a volume may hold when the node meets it. Each is one that mkfs must not touch.

Made with the format's own tool where there is one; else its mark is written by hand, at the place and with the bytes
that the format's documentation (or blkid's source) gives.
"""

import os
import shutil
import struct
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.processes.run import run

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SIZE_BYTES = GIB


@dataclass(frozen=True)
class Image:
    """A kind of content. ``program`` is what makes it; without it the test is skipped and says so."""

    name: str
    make: Callable[[Path], None]
    program: str = ""

    @property
    def missing(self) -> str:
        """Say what is missing to make it; empty if nothing is."""
        return "" if not self.program or shutil.which(self.program) else f"{self.program} is not installed"


def put(path: Path, offset: int, data: bytes) -> None:
    """Write ``data``; a negative offset counts from the end."""
    with path.open("r+b") as file:
        file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
        file.write(data)


def tool(*argv: str, stdin: bytes = b"") -> Callable[[Path], None]:
    """Run a program with the image's path as the last argument."""

    def make(path: Path) -> None:
        run(*argv, str(path), stdin=stdin)

    return make


def mark(offset: int, data: bytes) -> Callable[[Path], None]:
    """Write bytes by hand."""

    def make(path: Path) -> None:
        put(path, offset, data)

    return make


def made_by_tools() -> Iterator[Image]:
    """Images that their own tools make."""
    for kind in ("ext2", "ext3", "ext4"):
        yield Image(kind, tool(f"mkfs.{kind}", "-q", "-F"), f"mkfs.{kind}")
    yield Image("ext4 with 1 KiB blocks", tool("mkfs.ext4", "-q", "-F", "-b", "1024"), "mkfs.ext4")
    yield Image("ext4 without a journal", tool("mkfs.ext4", "-q", "-F", "-O", "^has_journal"), "mkfs.ext4")
    yield Image("ext4 journal device", tool("mkfs.ext4", "-q", "-F", "-O", "journal_dev"), "mkfs.ext4")
    yield Image("xfs", tool("mkfs.xfs", "-q", "-f"), "mkfs.xfs")
    yield Image("btrfs", tool("mkfs.btrfs", "-q", "-f"), "mkfs.btrfs")
    yield Image("vfat", tool("mkfs.vfat", "-F", "32"), "mkfs.vfat")
    yield Image("fat16", tool("mkfs.vfat", "-F", "16"), "mkfs.vfat")
    yield Image("exfat", tool("mkfs.exfat"), "mkfs.exfat")
    yield Image("ntfs", tool("mkntfs", "-F", "-Q", "-q"), "mkntfs")
    yield Image("f2fs", tool("mkfs.f2fs", "-q", "-f"), "mkfs.f2fs")
    yield Image("swap", tool("mkswap", "-q"), "mkswap")
    yield Image("minix", tool("mkfs.minix"), "mkfs.minix")
    yield Image("nilfs2", tool("mkfs.nilfs2", "-q", "-f"), "mkfs.nilfs2")
    yield Image("reiserfs", tool("mkreiserfs", "-q", "-f", "-f"), "mkreiserfs")
    yield Image("jfs", tool("mkfs.jfs", "-q"), "mkfs.jfs")
    yield Image("udf", tool("mkudffs", "--media-type=hd"), "mkudffs")
    yield Image("gfs2", tool("mkfs.gfs2", "-O", "-q", "-p", "lock_nolock"), "mkfs.gfs2")
    yield Image("iso9660", _iso, "genisoimage")
    yield Image("squashfs", _squashfs, "mksquashfs")
    yield Image("erofs", _erofs, "mkfs.erofs")
    yield Image("cramfs", _cramfs, "mkfs.cramfs")
    yield Image("LUKS1", _luks("luks1"), "cryptsetup")
    yield Image("LUKS2", _luks("luks2"), "cryptsetup")
    yield Image("LUKS2 with only its second header", _luks2_tail, "cryptsetup")
    yield Image("GPT", tool("sfdisk", "-q", stdin=b"label: gpt\n,10M\n"), "sfdisk")
    yield Image("MBR", tool("sfdisk", "-q", stdin=b"label: dos\n,10M\n"), "sfdisk")
    yield Image("GPT with only its backup header", _backup_gpt, "sfdisk")
    yield Image("GPT without partitions", tool("sfdisk", "-q", stdin=b"label: gpt\n"), "sfdisk")
    yield Image("sun disk label", tool("sfdisk", "-q", stdin=b"label: sun\n"), "sfdisk")
    yield Image("sgi disk label", tool("sfdisk", "-q", stdin=b"label: sgi\n"), "sfdisk")
    yield Image("bcache", _bcache, "make-bcache")
    yield Image("ext4 with its first superblock wiped", _wiped(mkfs="mkfs.ext4"), "mkfs.ext4")
    yield Image("ext4 of 1 KiB blocks with its first 4 MiB wiped", _wiped_far, "mkfs.ext4")
    yield Image("xfs with its first sector wiped", _wiped(mkfs="mkfs.xfs"), "mkfs.xfs")
    yield Image("btrfs with its first superblock wiped", _btrfs_copy, "mkfs.btrfs")
    yield Image("ext4 and LUKS1", _two_marks, "cryptsetup")


def written_by_hand() -> Iterator[Image]:
    """Marks of formats whose tools cannot be had, or need a kernel module."""
    yield Image("LVM physical volume", mark(512, _lvm_label()))
    yield Image("md 0.90", mark(-64 * KIB, struct.pack("<4I", 0xA92B4EFC, 0, 90, 0) + bytes(4080)))
    yield Image("md 1.0", mark(-8 * KIB, _md1(8 * KIB)))
    yield Image("md 1.1", mark(0, _md1(0)))
    yield Image("md 1.2", mark(4 * KIB, _md1(4 * KIB)))
    yield Image("zfs label, all four", _zfs_labels((0, 256 * KIB, -512 * KIB, -256 * KIB)))
    yield Image("zfs label, only the last", _zfs_labels((-256 * KIB,)))
    yield Image("bcachefs", mark(4 * KIB + 24, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81")))
    yield Image("Intel firmware RAID", mark(-1024, b"Intel Raid ISM Cfg Sig. 1.0.00"))
    yield Image("DDF RAID", mark(-512, struct.pack(">I", 0xDE11DE11) + bytes(24) + b"01.02.00"))
    yield Image("nvidia RAID", mark(-1024, b"NVIDIA  " + struct.pack("<I", 30)))
    yield Image("DRBD metadata", mark(-4 * KIB + 64, struct.pack(">I", 0x8374026B)))
    yield Image("VMFS volume", mark(MIB, struct.pack("<I", 0xC001D00D)))
    yield Image("Ceph BlueStore", mark(0, b"bluestore block device\n" + str(uuid.uuid4()).encode() + b"\n"))
    yield Image("ocfs2", mark(2 * 4 * KIB, b"OCFSV2"))
    yield Image("hfs+", mark(KIB, b"H+\0\4" + bytes(60)))
    yield Image("apfs", mark(32, b"NXSB"))
    yield Image("ufs2", mark(64 * KIB + 1372, struct.pack("<I", 0x19540119)))
    yield Image("stratis", mark(512 + 4, b"!Stra0tis\x86\xff\x02^\x41rh"))
    yield Image("VDO", mark(0, b"dmvdo001"))
    yield Image("ZoneFS", mark(0, b"SFOZ"))
    yield Image("Oracle ASM", mark(32, b"ORCLDISK"))
    yield Image("BitLocker", mark(0, b"\xeb\x58\x90-FVE-FS-"))
    yield Image("dm-integrity", mark(0, b"integrt\0"))
    yield Image("dm-verity", mark(0, b"verity\0\0"))


def without_a_mark() -> Iterator[Image]:
    """Data that no tool knows."""
    database = bytes(range(1, 256)) * 64  # pages of a database that has no header
    yield Image("a database file at the start", mark(0, database))
    yield Image("a database file at 4 KiB", mark(4 * KIB, database))
    yield Image("a database file at 1 MiB", mark(MIB, database))
    yield Image("a database file in the middle", mark(SIZE_BYTES // 2, database))
    yield Image("a database file in the last sector", mark(-512, database[:512]))
    yield Image("one byte at the start", mark(0, b"\1"))
    yield Image("one byte in the first MiB", mark(700 * KIB + 3, b"\1"))
    yield Image("one byte in the last MiB", mark(-300 * KIB, b"\1"))
    yield Image("one byte at the very end", mark(-1, b"\1"))
    yield Image("all 0xFF", _filled(b"\xff"))
    yield Image("random data", _random)
    yield Image("text", mark(0, b"do not format\n" * 100))
    yield Image("an SQLite database", mark(0, b"SQLite format 3\0" + bytes(100)))
    yield Image("a tar archive", tool_tar)


def all_images() -> list[Image]:
    """Return every image."""
    return [*made_by_tools(), *written_by_hand(), *without_a_mark()]


def tool_tar(path: Path) -> None:
    """Write an archive onto the disk, as to a tape."""
    put(path, 0, b"readme\0".ljust(257, b"\0") + b"ustar\x0000" + bytes(247) + b"data".ljust(512, b"\0"))


def _filled(byte: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        os.truncate(path, 64 * MIB)
        put(path, 0, byte * (64 * MIB))

    return make


def _random(path: Path) -> None:
    os.truncate(path, 64 * MIB)
    put(path, 0, os.urandom(64 * MIB))


def _into(path: Path, made: Path) -> None:
    """Put a smaller image at the start of the disk."""
    put(path, 0, made.read_bytes())
    made.unlink()


def _folder(path: Path) -> Path:
    folder = path.with_suffix(".content")
    folder.mkdir()
    (folder / "file").write_text("data")
    return folder


def _iso(path: Path) -> None:
    made = path.with_suffix(".iso")
    run("genisoimage", "-quiet", "-o", str(made), str(_folder(path)))
    _into(path, made)


def _squashfs(path: Path) -> None:
    made = path.with_suffix(".squashfs")
    run("mksquashfs", str(_folder(path)), str(made), "-quiet", "-no-progress")
    _into(path, made)


def _erofs(path: Path) -> None:
    made = path.with_suffix(".erofs")
    run("mkfs.erofs", str(made), str(_folder(path)))
    _into(path, made)


def _cramfs(path: Path) -> None:
    made = path.with_suffix(".cramfs")
    run("mkfs.cramfs", str(_folder(path)), str(made))
    _into(path, made)


def _luks(kind: str) -> Callable[[Path], None]:
    argv = ("cryptsetup", "luksFormat", "-q", "--type", kind, "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")

    def make(path: Path) -> None:
        run(*argv, "--key-file", "-", str(path), stdin=b"secret")

    return make


def _luks2_tail(path: Path) -> None:
    _luks("luks2")(path)
    put(path, 0, bytes(16 * KIB))


def _backup_gpt(path: Path) -> None:
    tool("sfdisk", "-q", stdin=b"label: gpt\n,10M\n")(path)
    put(path, 0, bytes(34 * 512))


def _bcache(path: Path) -> None:
    run("make-bcache", "-B", str(path))


def _wiped(mkfs: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        run(mkfs, *(("-q", "-F") if mkfs == "mkfs.ext4" else ("-q", "-f")), str(path))
        put(path, 0, bytes(512 if mkfs == "mkfs.xfs" else 2 * KIB))

    return make


def _wiped_far(path: Path) -> None:
    run("mkfs.ext4", "-q", "-F", "-b", "1024", str(path))
    put(path, 0, bytes(4 * MIB))


def _btrfs_copy(path: Path) -> None:
    run("mkfs.btrfs", "-q", "-f", str(path))
    put(path, 64 * KIB, bytes(4 * KIB))


def _two_marks(path: Path) -> None:
    other = path.with_suffix(".luks")
    other.write_bytes(bytes(8 * MIB))
    _luks("luks1")(other)
    run("mkfs.ext4", "-q", "-F", str(path))
    put(path, 0, other.read_bytes()[:592])
    other.unlink()


def _lvm_label() -> bytes:
    body = struct.pack("<I8s", 32, b"LVM2 001") + uuid.uuid4().hex.encode() + struct.pack("<Q", SIZE_BYTES)
    body = body.ljust(512 - 20, b"\0")
    return b"LABELONE" + struct.pack("<QI", 1, _lvm_checksum(body)) + body


def _lvm_checksum(body: bytes) -> int:
    return zlib.crc32(body, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _md1(offset: int) -> bytes:
    head = struct.pack("<4I16s", 0xA92B4EFC, 1, 0, 0, uuid.uuid4().bytes)
    return head.ljust(144, b"\0") + struct.pack("<Q", offset // 512) + bytes(100)


def _zfs_labels(offsets: tuple[int, ...]) -> Callable[[Path], None]:
    uberblock = struct.pack("<QQQ", 0x00BAB10C, 5000, 1) + bytes(1000)

    def make(path: Path) -> None:
        for offset in offsets:
            for index in range(16):
                put(path, offset + 128 * KIB + index * KIB, uberblock)

    return make
