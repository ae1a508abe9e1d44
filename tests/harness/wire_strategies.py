"""Hypothesis strategies for bytes that look like protobuf, and often are wrong in one place."""

from hypothesis import strategies as st

VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5


def varint(number: int) -> bytes:
    """Return ``number`` in protobuf's variable length."""
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def field(number: int, wire_type: int, value: bytes) -> bytes:
    """Return one field; ``value`` is cut or filled up to what the wire type needs."""
    key = varint(number << 3 | wire_type)
    if wire_type == LENGTH:
        return key + varint(len(value)) + value
    if wire_type == VARINT:
        return key + varint(int.from_bytes(value[:9], "little"))
    return key + value.ljust(8, b"\0")[: 8 if wire_type == FIXED_64 else 4]


def _fields(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    wire_types = st.sampled_from([VARINT, FIXED_64, LENGTH, LENGTH, LENGTH, FIXED_32])
    return st.lists(st.builds(field, st.integers(1, 14), wire_types, values), max_size=5).map(b"".join)


TEXT = st.one_of(st.binary(max_size=9), st.text(max_size=9).map(str.encode))

MESSAGES = st.one_of(st.binary(max_size=200), st.recursive(TEXT, _fields, max_leaves=12))
"""Anything; most of it fields within fields, with numbers that CSI messages use."""
