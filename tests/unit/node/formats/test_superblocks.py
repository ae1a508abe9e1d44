"""Superblocks from bytes."""

import struct
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.formats import superblocks
from node.records.probes import MultipleMount, Superblock

UUID = uuid.UUID(int=5)


def head(offset: int, data: bytes) -> bytes:
    return (bytes(offset) + data).ljust(68 << 10, b"\0")


def test_an_ext4_of_more_than_16_tib_is_read() -> None:
    block = bytearray(1024)
    struct.pack_into("<I", block, 4, 1)
    struct.pack_into("<I", block, 24, 2)
    struct.pack_into("<H", block, 56, 0xEF53)
    struct.pack_into("<III", block, 92, 4, 0x80 | 0x40 | 4, 0)
    block[104:120] = UUID.bytes
    struct.pack_into("<I", block, 0xE0, 8)
    struct.pack_into("<I", block, 0x150, 1)
    struct.pack_into("<I", block, 0x194, 3)
    read = Superblock("ext4", ((1 << 32) + 1) * 4096, str(UUID), errors=3, needs_replay=True)
    assert superblocks.parse(head(1024, bytes(block))) == read
    struct.pack_into("<I", block, 0xE0, 0)
    assert superblocks.parse(head(1024, bytes(block))) == replace(read, external_journal=True)


@pytest.mark.parametrize(
    ("features", "kind"),
    [
        pytest.param((0, 0, 0), "ext2", id="none"),
        pytest.param((0, 0x1F, 0x7), "ext2", id="all that ext2 knows"),
        pytest.param((0x4, 0x1F, 0x7), "ext3", id="has_journal"),
        *(pytest.param((0x4, bit, 0), "ext4", id=f"incompatible {bit:#x}") for bit in (0x20, 0x40, 0x80, 0x10000)),
        *(pytest.param((0x4, 0, bit), "ext4", id=f"read-only compatible {bit:#x}") for bit in (0x8, 0x10, 0x400)),
    ],
)
def test_an_ext_is_of_the_kind_that_knows_its_features(features: tuple[int, int, int], kind: str) -> None:
    block = bytearray(1024)
    struct.pack_into("<II", block, 4, 1, 0)
    struct.pack_into("<I", block, 24, 17)  # no ext has blocks as large as that
    struct.pack_into("<HH", block, 56, 0xEF53, 0x2)
    struct.pack_into("<III", block, 92, *features)
    found = superblocks.parse(head(1024, bytes(block)))
    assert found is not None
    assert (found.kind, found.size_bytes, found.marked) == (kind, 64 << 20, True)
    assert (found.needs_replay, found.external_journal) == (features[1] & 4 != 0, features[0] != 0)
    struct.pack_into("<H", block, 58, 0x1)
    assert superblocks.parse(head(1024, bytes(block))) == replace(found, marked=False)


def test_the_mount_options_of_an_ext_are_read() -> None:
    block = bytearray(1024)
    struct.pack_into("<H", block, 56, 0xEF53)
    struct.pack_into("<II", block, 92, 1, 1)  # features beside those that are looked for
    block[0x200:0x20C] = b"errors=panic"
    found = superblocks.parse(head(1024, bytes(block)))
    assert found is not None
    assert (found.kind, found.needs_replay, found.mount_options) == ("ext2", False, "errors=panic")


def test_the_multiple_mount_protection_of_an_ext_is_read() -> None:
    block = bytearray(1024)
    struct.pack_into("<I", block, 24, 2)
    struct.pack_into("<H", block, 56, 0xEF53)
    struct.pack_into("<I", block, 96, 0x100)
    struct.pack_into("<HQ", block, 0x166, 5, 7986)
    for log_size, block_bytes in ((2, 4096), (17, 64 << 20)):
        struct.pack_into("<I", block, 24, log_size)
        found = superblocks.parse(head(1024, bytes(block)))
        assert found is not None
        assert (found.mmp_at, found.mmp_seconds) == (7986 * block_bytes, 5)
    mmp = struct.pack("<IIQ64s32sH", 0x004D4D50, 7, 1795933759, b"node-\xe4", b"sda", 10).ljust(1024, b"\0")
    assert superblocks.parse_mmp(mmp) == MultipleMount(7, 10, "node-\ufffd", "sda")
    assert superblocks.parse_mmp(mmp[:-1]) is None
    assert superblocks.parse_mmp(bytes(1024)) is None


def test_an_xfs_is_read() -> None:
    block = b"XFSB" + struct.pack(">IQ", 4096, 1000) + bytes(16) + UUID.bytes
    assert superblocks.parse(head(0, block)) == Superblock("xfs", 4096000, str(UUID))
    half_made = block.ljust(126, b"\0") + b"\1"
    assert superblocks.parse(head(0, half_made)) == Superblock("xfs", 4096000, str(UUID), unfinished=True)


def test_a_btrfs_is_read() -> None:
    block = bytearray(1024)
    block[0x20:0x30] = UUID.bytes
    block[0x40:0x48] = b"_BHRfS_M"
    struct.pack_into("<Q", block, 0x88, 2)
    struct.pack_into("<Q", block, 0xD1, 1 << 30)
    assert superblocks.parse(head(64 << 10, bytes(block))) == Superblock("btrfs", 1 << 30, str(UUID), devices=2)


def test_what_has_no_mark_at_its_place_is_no_superblock() -> None:
    assert superblocks.parse(head(0, b"")) is None
    for mark, place in ((b"XFSB", 512), (b"_BHRfS_M", 0x40), (b"\x53\xef", 56)):
        assert superblocks.parse(head(place, mark)) is None


@given(st.binary(max_size=2048), st.sampled_from([0, 1024, 64 << 10]))
def test_any_bytes_are_read_without_an_error(data: bytes, offset: int) -> None:
    superblocks.parse(head(offset, data))


def test_what_is_too_short_has_no_superblock() -> None:
    assert superblocks.parse(b"XFSB") is None
