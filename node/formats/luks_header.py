"""Read a LUKS header from the first bytes of a device.

A LUKS2 header is there twice, each with a sequence number and a checksum: a torn write leaves the other one whole.
Only the layout that cryptsetup gives by default is read, with which both copies are found where this module looks: a
header that cryptsetup would take from elsewhere must not be judged by another one. Nor is the newer copy the one that
counts if cryptsetup finds more wrong with it than this module does: so the older one is told, too.

Source: LUKS2 On-Disk Format Specification 1.1.1, 2.2 "Binary Header" and 3 "LUKS2 JSON Metadata"; cryptsetup,
lib/luks2/luks2_disk_metadata.c (which copy counts).
"""

import hashlib
import struct
from dataclasses import replace

from node.formats import luks_metadata
from node.formats.luks_metadata import Malformed, Reader
from node.records.luks import Header

COPY_BYTES = 0x4000
HEAD_BYTES = 2 * COPY_BYTES

_PRIMARY, _SECONDARY = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
_BINARY_BYTES = 4096
_BINARY = struct.Struct(">6sHQQ48s32s64s40s48sQ")
_CHECKSUM_AT, _CHECKSUM_BYTES = 448, 64
_CHECKSUM = "sha256"


def parse(head: bytes) -> Header | None:
    """Return the newest whole header in ``head``, a device's first bytes; None if there is none. Raises nothing."""
    if head[:8] == _PRIMARY + b"\0\1":
        return Header(version=1)
    try:
        copies = [copy for at, magic in ((0, _PRIMARY), (COPY_BYTES, _SECONDARY)) if (copy := _whole(head, at, magic))]
    except Malformed as error:
        return Header(version=2, malformed=str(error))
    found = [_header(copy) for copy in sorted(copies, key=_sequence, reverse=True)]
    if not found:
        return None
    newest, oldest = found[0], found[-1]
    return newest if oldest == newest else replace(newest, older=oldest)


def _whole(head: bytes, at: int, magic: bytes) -> bytes:
    """Return the copy of the header at an offset, if its checksum is right; else nothing.

    Raises Malformed for a copy that cryptsetup might read and this module cannot.
    """
    copy = head[at : at + COPY_BYTES]
    if len(copy) < COPY_BYTES:
        return b""
    found, version, size, _, _, algorithm, _, _, _, offset = _BINARY.unpack_from(copy)
    if (found, version, offset) != (magic, 2, at):
        return b""
    if size != COPY_BYTES or _text(algorithm) != _CHECKSUM:
        raise Malformed(f"a copy at {at} has {size} bytes and checksum {_text(algorithm)[:16]!r}")
    start, end = _CHECKSUM_AT, _CHECKSUM_AT + _CHECKSUM_BYTES
    digest = hashlib.sha256(copy[:start] + bytes(_CHECKSUM_BYTES) + copy[end:]).digest()
    return copy if copy[start:end].startswith(digest) else b""


def _sequence(copy: bytes) -> int:
    sequence: int = _BINARY.unpack_from(copy)[3]
    return sequence


def _header(copy: bytes) -> Header:
    fields = _BINARY.unpack_from(copy)
    found = Header(version=2, label=_text(fields[4]), subsystem=_text(fields[8]), uuid=_text(fields[7]))
    try:
        metadata = luks_metadata.parse(copy[_BINARY_BYTES:])
        config = metadata.inner("config")
        found = replace(found, requires=config.inner("requirements", {}).texts("mandatory"))
        return _with_metadata(found, metadata, config)
    except Malformed as error:
        return replace(found, malformed=str(error))


def _with_metadata(found: Header, metadata: Reader, config: Reader) -> Header:
    config.long("json_size")
    config.long("keyslots_size")
    whole = replace(
        found,
        slots=metadata.numbered("keyslots", luks_metadata.key_slot),
        segments=metadata.numbered("segments", luks_metadata.segment),
        digests=metadata.numbered("digests", luks_metadata.digest),
        flags=config.texts("flags"),
        tokens=metadata.numbered("tokens", luks_metadata.token),
    )
    config.end()
    metadata.end()
    return whole


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
