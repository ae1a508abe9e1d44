"""Bytes become a message of the declared types, or InvalidArgument; nothing between."""

import dataclasses
from collections.abc import Iterator

import betterproto2
import pytest
from betterproto2 import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from common import errors, message_check
from csi_proto.csi import v1 as csi
from tests.harness.wire_strategies import MESSAGES
from tools.csi.client import ROUTES
from tools.csi.kubelet import mounted

CREATE = csi.CreateVolumeRequest(
    name="n",
    capacity_range=csi.CapacityRange(required_bytes=1, limit_bytes=-1),
    volume_capabilities=[mounted("xfs", "a", "ä")],
    parameters={"k": "v"},
    secrets={"t": "s"},
)
WHOLE = bytes(CREATE)
KINDS = sorted(ROUTES, key=lambda kind: kind.__name__)


def test_a_well_formed_message_is_decoded() -> None:
    assert message_check.decode(WHOLE, csi.CreateVolumeRequest) == CREATE


def test_a_wrapped_value_is_decoded() -> None:
    assert message_check.decode(bytes(csi.ProbeResponse(ready=True)), csi.ProbeResponse).ready is True


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
def test_a_message_that_is_cut_short_is_refused_or_ends_between_fields(cut: int) -> None:
    try:
        message = message_check.decode(WHOLE[:cut], csi.CreateVolumeRequest)
    except errors.InvalidArgument:
        return
    assert WHOLE.startswith(bytes(message))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param("0801", "name is no string", id="number for a text"),
        pytest.param("0d00000000", "name is no string", id="four bytes for a text"),
        pytest.param("1001", "capacity_range is no message", id="number for a message"),
        pytest.param("12020a00", "required_bytes is no int64", id="text for a number"),
        pytest.param("12020d00", "cut short", id="half of four bytes"),
        pytest.param("2001", "parameters is no map", id="number for a map"),
        pytest.param("22020801", "parameters.key is no string", id="number for a map's key"),
        pytest.param("0a0161ff", "cut short", id="a key that does not end"),
        pytest.param("0a05616263", "cut short", id="text shorter than its length"),
        pytest.param("0a01ff", "not UTF-8", id="text that is none"),
        pytest.param("0a80808080808080808080", "too long", id="length of eleven bytes"),
        pytest.param("0affffffffffffffffff01", "cut short", id="length of 2^64"),
        pytest.param("0b0c", "wire type 3", id="group"),
        pytest.param("0e", "wire type 6", id="wire type that is none"),
        pytest.param("0001", "field number 0", id="field number 0"),
        pytest.param("fbffffff7f", "field number", id="field number too large"),
        pytest.param("0a00" * 20_001, "more than 20000 fields", id="so many fields that the loop would stand still"),
        pytest.param("4a0110" * 20_001, "more than 20000 fields", id="the same of a field that nobody knows"),
    ],
)
def test_a_malformed_message_is_refused_with_the_reason(data: str, why: str) -> None:
    with pytest.raises(errors.InvalidArgument, match=why):
        message_check.decode(bytes.fromhex(data), csi.CreateVolumeRequest)


def test_unknown_fields_pass() -> None:
    message = message_check.decode(bytes.fromhex("c23e0161") + WHOLE, csi.CreateVolumeRequest)
    assert message.name == "n"


def test_a_refusal_shows_nothing_of_the_value() -> None:
    with pytest.raises(errors.InvalidArgument) as refused:
        message_check.decode(b"\x2a\x0a\x12\x08hush\xff\xff\xff\xff", csi.CreateVolumeRequest)
    assert "hush" not in str(refused.value)
    assert "secrets.value" in str(refused.value)


@given(kind=st.sampled_from(KINDS), data=MESSAGES)
@settings(max_examples=400)
def test_random_bytes_are_a_message_of_the_declared_types_or_an_invalid_argument(
    kind: type[Message], data: bytes
) -> None:
    try:
        message = message_check.decode(data, kind)
    except errors.InvalidArgument:
        return
    assert list(wrong_types(message)) == []
    bytes(message)


@given(data=st.data())
def test_a_real_message_with_bytes_changed_is_of_the_declared_types_or_refused(data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for position in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), min_size=1, max_size=4)):
        changed[position] = data.draw(st.integers(0, 255))
    try:
        message = message_check.decode(bytes(changed), csi.CreateVolumeRequest)
    except errors.InvalidArgument:
        return
    assert list(wrong_types(message)) == []
    bytes(message)


PYTHON_TYPES: dict[str, type] = {
    **dict.fromkeys(betterproto2.ALL_INT_TYPES, int),
    betterproto2.TYPE_BOOL: bool,
    betterproto2.TYPE_BYTES: bytes,
    betterproto2.TYPE_STRING: str,
    betterproto2.TYPE_ENUM: int,
}


def wrong_types(message: Message) -> Iterator[str]:
    """Yield the fields of ``message`` whose value is not of the type that the proto file declares."""
    for field in dataclasses.fields(message):  # type: ignore[arg-type]  # every message is a dataclass
        meta = betterproto2.FieldMetadata.get(field)
        value = getattr(message, field.name)
        expected = PYTHON_TYPES.get(meta.proto_type, object)
        if meta.map_meta is not None:
            value, expected = [*value, *value.values()], str
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Message):
                yield from wrong_types(one)
            elif not isinstance(one, expected) and not (one is None and meta.optional):
                yield field.name
