"""Read the JSON of a LUKS2 header, in which nothing may be but what the specification names.

Whatever cryptsetup could read in another way than this module is malformed: a key twice, a control character in a
text, bytes behind the end. So is what is deeper, longer or of another type than it has to be.

Source: LUKS2 On-Disk Format Specification 1.1.1, 3 "LUKS2 JSON Metadata Format".
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from node.records.luks import Digest, KeySlot, Segment

LONGEST = 200  # characters of a text
LARGEST = 1 << 62  # of a number
Read = TypeVar("Read")


class Malformed(ValueError):
    """The metadata is not as the specification says; the message says where."""


class Reader:
    """One JSON object. Each key is asked for once; ``end`` raises if any is left."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise Malformed(f"{where} is not an object")
        self._left: dict[str, object] = dict(value)
        self._where = where

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text without control characters."""
        return _text(self._take(key, default), f"{self._where}.{key}")

    def number(self, key: str, default: int | None = None) -> int:
        """Return a number that is not negative."""
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
            raise Malformed(f"{self._where}.{key} is not a number")
        return value

    def long(self, key: str) -> int:
        """Return a number that is written as a text, as numbers of 64 bits are."""
        return _long(self.text(key), f"{self._where}.{key}")

    def size(self, key: str) -> int:
        """Return the size of a segment; 0: up to the end of the disk."""
        text = self.text(key)
        return 0 if text == "dynamic" else _long(text, f"{self._where}.{key}")

    def bytes(self, key: str) -> int:
        """Return the length of what is written in base64."""
        text = self.text(key)
        try:
            return len(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError) as error:
            raise Malformed(f"{self._where}.{key} is not base64") from error

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty if there is none."""
        value = self._take(key, [])
        if not isinstance(value, list):
            raise Malformed(f"{self._where}.{key} is not a list")
        return tuple(_text(each, f"{self._where}.{key}") for each in value)

    def inner(self, key: str, default: Mapping[str, object] | None = None) -> "Reader":
        """Return an object in this one."""
        return Reader(self._take(key, default), f"{self._where}.{key}")

    def numbered(self, key: str, read: Callable[["Reader"], Read]) -> tuple[Read, ...]:
        """Return what is numbered from 0 on, in the order of the numbers."""
        inner = self.inner(key)
        return tuple(_read_all(inner.inner(name), read) for name in inner.numbers())

    def numbers(self) -> list[str]:
        """Return the names of the members, which are numbers, in their order."""
        for name in self._left:
            if not name.isdigit() or str(int(name)) != name:
                raise Malformed(f"{self._where} has a member {name[:40]!r}, which is not a number")
        return sorted(self._left, key=int)

    def end(self) -> None:
        """Raise Malformed if there is more than was asked for."""
        if self._left:
            raise Malformed(f"{self._where} has an unknown member {min(self._left)[:40]!r}")

    def leave(self) -> None:
        """Leave the rest unread."""
        self._left.clear()

    def _take(self, key: str, default: object) -> object:
        value = self._left.pop(key, default)
        if value is None:
            raise Malformed(f"{self._where}.{key} is missing")
        return value


def parse(area: bytes) -> Reader:
    """Return the JSON in ``area``, which zeros fill up. Raises Malformed."""
    written = area.rstrip(b"\0")
    try:
        value: object = json.loads(
            written.decode(), object_pairs_hook=_members, parse_float=_no_number, parse_constant=_no_number
        )
    except Malformed:
        raise
    except RecursionError as error:
        raise Malformed("the JSON is nested too deep") from error
    except ValueError as error:
        raise Malformed("it is not JSON") from error
    return Reader(value, "metadata")


def key_slot(reader: Reader) -> KeySlot:
    """Read one of ``keyslots``."""
    reader.number("priority", 1)
    area, split, kdf = (reader.inner(key) for key in ("area", "af", "kdf"))
    kind = (reader.text("type"), area.text("type"), split.text("type"))
    if kind != ("luks2", "raw", "luks1"):
        raise Malformed(f"a key slot is of kind {', '.join(kind)}")
    pbkdf = kdf.text("type")
    is_pbkdf2 = pbkdf == "pbkdf2"
    slot = KeySlot(
        key_bits=reader.number("key_size") * 8,
        cipher=area.text("encryption"),
        cipher_key_bits=area.number("key_size") * 8,
        at=area.long("offset"),
        size=area.long("size"),
        stripes=split.number("stripes"),
        split_hash=split.text("hash"),
        pbkdf=pbkdf,
        pbkdf_hash=kdf.text("hash") if is_pbkdf2 else "",
        memory_kib=0 if is_pbkdf2 else kdf.number("memory"),
        iterations=kdf.number("iterations" if is_pbkdf2 else "time"),
        threads=1 if is_pbkdf2 else kdf.number("cpus"),
        salt_bytes=kdf.bytes("salt"),
    )
    for each in (area, split, kdf):
        each.end()
    return slot


def segment(reader: Reader) -> Segment:
    """Read one of ``segments``."""
    return Segment(
        kind=reader.text("type"),
        at=reader.long("offset"),
        size=reader.size("size"),
        iv_offset=reader.long("iv_tweak"),
        cipher=reader.text("encryption"),
        sector_bytes=reader.number("sector_size"),
    )


def digest(reader: Reader) -> Digest:
    """Read one of ``digests``."""
    reader.texts("keyslots")
    reader.bytes("digest")
    return Digest(
        kind=reader.text("type"),
        hash=reader.text("hash"),
        iterations=reader.number("iterations"),
        salt_bytes=reader.bytes("salt"),
        segments=reader.texts("segments"),
    )


def token(reader: Reader) -> str:
    """Read what kind one of ``tokens`` is of; the rest is for the programs that know it."""
    kind = reader.text("type")
    reader.leave()
    return kind


def _read_all(reader: Reader, read: Callable[[Reader], Read]) -> Read:
    found = read(reader)
    reader.end()
    return found


def _members(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Malformed("a member is there twice")
    for name in members:
        _text(name, "the name of a member")
    return members


def _no_number(text: str) -> object:
    raise Malformed(f"{text[:40]} is not a whole number")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not (value.isascii() and value.isprintable()):
        raise Malformed(f"{where} is not a text")
    return value


def _long(text: str, where: str) -> int:
    if not text.isdigit() or len(text) > 18:
        raise Malformed(f"{where} is not a number")
    return int(text)
