"""Read a LUKS header from the first bytes of a device.

A LUKS2 header is there twice, each with a sequence number and a checksum: a torn write leaves the other one whole.

Source: LUKS2 On-Disk Format Specification 1.1.1, 2.2 "Binary Header" and 3 "LUKS2 JSON Metadata".
"""

import hashlib
import json
import struct

from node.records.probes import Header

HEAD_BYTES = 64 << 10  # both copies, at the size that cryptsetup gives them

_PRIMARY, _SECONDARY = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
_SECONDARY_AT = (0x4000, 0x8000)
_BINARY_BYTES = 4096
_BINARY = struct.Struct(">6sHQQ48s32s64s40s48sQ")
_CHECKSUM_AT, _CHECKSUM_BYTES = 448, 64
_CHECKSUM = "sha256"


def parse(head: bytes) -> Header | None:
    """Return the newest whole header in ``head``, a device's first bytes; None if there is none."""
    if head[:8] == _PRIMARY + b"\0\1":
        return Header(version=1)
    copies = [copy for at in (0, *_SECONDARY_AT) if (copy := _whole(head, at))]
    try:
        return _header(max(copies, key=_sequence)) if copies else None
    except (KeyError, TypeError, ValueError):  # written by something that is no LUKS2
        return None


def _whole(head: bytes, at: int) -> bytes:
    """Return the copy of the header at an offset, if its checksum is right; else nothing."""
    if len(head) < at + _BINARY_BYTES:
        return b""
    magic, version, size, _, _, algorithm, _, _, _, offset = _BINARY.unpack_from(head, at)
    right = magic == (_SECONDARY if at else _PRIMARY) and version == 2 and offset == at
    if not right or size > len(head) - at or _text(algorithm) != _CHECKSUM:
        return b""
    copy = head[at : at + size]
    start, end = _CHECKSUM_AT, _CHECKSUM_AT + _CHECKSUM_BYTES
    digest = hashlib.sha256(copy[:start] + bytes(_CHECKSUM_BYTES) + copy[end:]).digest()
    return copy if copy[start:end].startswith(digest) else b""


def _sequence(copy: bytes) -> int:
    return int.from_bytes(copy[16:24], "big")


def _header(copy: bytes) -> Header:
    fields = _BINARY.unpack_from(copy)
    metadata = json.loads(copy[_BINARY_BYTES:].split(b"\0", 1)[0])
    return Header(
        version=2,
        label=_text(fields[4]),
        subsystem=_text(fields[8]),
        uuid=_text(fields[7]),
        slots=len(metadata["keyslots"]),
        payload_at=min((int(each["offset"]) for each in metadata["segments"].values()), default=0),
        requires=tuple(metadata["config"].get("requirements", {}).get("mandatory", ())),
    )


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")
