"""Bytes from a peer become a message of the declared types, or InvalidArgument.

betterproto2 accepts what protobuf forbids: a truncated field, a number where a text belongs (it stores the number in
the text's place), a group. So the bytes are walked first, against the field types of the message class, and decoded
only if they fit. Unknown fields pass, as protobuf wants.

Source: protobuf "Encoding" (wire types, varints, packed fields).
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import betterproto2
from betterproto2 import Message

from common import errors

VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5
FIXED_BYTES = {FIXED_64: 8, FIXED_32: 4}
LONGEST_VARINT = 10  # bytes
DEEPEST = 32  # messages within messages; CSI needs 4
MOST_FIELDS = 20_000  # to decode so many takes a third of a second, in which the event loop stands still

WIRE_TYPES = {
    **dict.fromkeys(betterproto2.WIRE_VARINT_TYPES, VARINT),
    **dict.fromkeys(betterproto2.WIRE_FIXED_64_TYPES, FIXED_64),
    **dict.fromkeys(betterproto2.WIRE_FIXED_32_TYPES, FIXED_32),
    **dict.fromkeys(betterproto2.WIRE_LEN_DELIM_TYPES, LENGTH),
}

Decoded = TypeVar("Decoded", bound=Message)


def _admit(_fields: int) -> None:
    """Take a message of any number of fields."""


def decode(data: bytes, kind: type[Decoded], admit: Callable[[int], None] = _admit) -> Decoded:
    """Return the message in ``data``. Raises InvalidArgument if it is not a well-formed ``kind``.

    ``admit`` hears how many fields it has before an object is made of them, and may raise.
    """
    walk = _Walk()
    try:
        walk.check(memoryview(data), kind, kind.__name__, DEEPEST)
    except _Malformed as error:
        raise errors.InvalidArgument(f"not a {kind.__name__}: {error}") from None
    admit(walk.fields)
    try:
        return kind.parse(data)
    except Exception as error:  # the decoder raises whatever its own slips raise
        raise errors.InvalidArgument(f"not a {kind.__name__}: {type(error).__name__} while decoding") from error


class _Malformed(Exception):
    """Says what is wrong, and in which field; never what was in it, for it may be a secret."""


class _Walk:
    """One walk over a message's bytes, and how many fields were met."""

    def __init__(self) -> None:
        self.fields = 0

    def check(self, data: memoryview, kind: type[Message], where: str, depth: int) -> None:
        """Raise _Malformed if a field of ``kind``, or of a message within, is not what the class declares."""
        if not depth:
            raise _Malformed(f"{where} is nested too deeply")
        layout = kind._betterproto  # type: ignore[arg-type]  # noqa: SLF001  # a test holds this private name
        for number, wire_type, value in self._fields(data, where):
            name = layout.field_name_by_number.get(number)
            if name is None:
                continue
            field = layout.meta_by_field_name[name]
            place = f"{where}.{name}"
            if wire_type == LENGTH and field.repeated and field.proto_type in betterproto2.PACKED_TYPES:
                self._check_packed(value, WIRE_TYPES[field.proto_type], place)
            elif wire_type != WIRE_TYPES[field.proto_type]:
                raise _Malformed(f"{place} is no {field.proto_type}")
            elif field.proto_type == betterproto2.TYPE_STRING:
                _check_text(value, place)
            elif field.proto_type in {betterproto2.TYPE_MESSAGE, betterproto2.TYPE_MAP}:
                inner = field.unwrap() if field.unwrap else layout.cls_by_field[name]
                self.check(value, inner, place, depth - 1)

    def _fields(self, data: memoryview, where: str) -> Iterator[tuple[int, int, memoryview]]:
        """Yield number, wire type and the bytes of each field's value."""
        position = 0
        while position < len(data):
            self._spend(1, where)
            key, position = _varint(data, position, where)
            number, wire_type = key >> 3, key & 7
            if not 0 < number < 1 << 29:
                raise _Malformed(f"{where} has a field number {number}")
            start, end = _extent(data, position, wire_type, where)
            if end > len(data):
                raise _Malformed(f"{where} is cut short")
            yield number, wire_type, data[start:end]
            position = end

    def _check_packed(self, data: memoryview, wire_type: int, place: str) -> None:
        self._spend(len(data), place)
        if wire_type in FIXED_BYTES:
            if len(data) % FIXED_BYTES[wire_type]:
                raise _Malformed(f"{place} is cut short")
            return
        position = 0
        while position < len(data):
            _, position = _varint(data, position, place)

    def _spend(self, fields: int, where: str) -> None:
        self.fields += fields
        if self.fields > MOST_FIELDS:
            raise _Malformed(f"{where} has more than {MOST_FIELDS} fields")


def _extent(data: memoryview, position: int, wire_type: int, where: str) -> tuple[int, int]:
    """Return where the value at ``position`` begins and ends."""
    if wire_type == VARINT:
        return position, _varint(data, position, where)[1]
    if wire_type == LENGTH:
        length, position = _varint(data, position, where)
        return position, position + length
    if wire_type in FIXED_BYTES:
        return position, position + FIXED_BYTES[wire_type]
    raise _Malformed(f"{where} has a field of wire type {wire_type}")


def _varint(data: memoryview, position: int, where: str) -> tuple[int, int]:
    """Return the number at ``position``, and the position after it."""
    if position < len(data) and (first := data[position]) < 0x80:  # most are one byte
        return first, position + 1
    result = 0
    for offset, byte in enumerate(data[position : position + LONGEST_VARINT]):
        result |= (byte & 0x7F) << (7 * offset)
        if byte < 0x80:
            return result, position + offset + 1
    raise _Malformed(f"{where} has a number that is cut short or too long")


def _check_text(value: memoryview, place: str) -> None:
    try:
        str(value, "utf-8")
    except UnicodeDecodeError:
        raise _Malformed(f"{place} is not UTF-8") from None
