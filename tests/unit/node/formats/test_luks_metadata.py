"""Headers with right checksums and whatever JSON: each is read or said to be malformed, and none is an accident."""

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.formats import luks_header
from node.formats.luks_metadata import Malformed, Reader, parse
from tests.harness import luks

AREA_BYTES = 12288
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["0", "dynamic", "crypt", "aes-xts-plain64", "luks2", "9" * 300, "\ud800", 2**70, -1, 1e400])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
PLACES = st.sampled_from(
    [
        *("keyslots", "segments", "digests", "tokens", "config", "keyslots/0", "segments/0", "digests/0", "tokens/0"),
        *(
            "config/requirements",
            "config/flags",
            "config/json_size",
            "keyslots/0/kdf",
            "keyslots/0/area",
            "keyslots/0/af",
        ),
        *(
            "keyslots/0/kdf/salt",
            "keyslots/0/kdf/time",
            "keyslots/0/area/offset",
            "segments/0/offset",
            "segments/0/size",
        ),
        *("segments/0/encryption", "digests/0/segments", "keyslots/٣", "segments/01", "segments/-1", "unknown"),
    ]
)


def malformed(written: bytes) -> str:
    header = luks_header.parse(luks.area(written, label="id"))
    assert header is not None
    return header.malformed


@given(st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
@example(b"[" * AREA_BYTES)
@example(b'{"config":' * 1000)
@example(b"1" * AREA_BYTES)
@example(b"{}")
@example(b'{"keyslots": {}, "keyslots": {}}')
@example(b'\xef\xbb\xbf{"config": {}}')
@example('{"config": {}}'.encode("utf-16"))
@settings(max_examples=300)
def test_no_json_is_an_accident(written: bytes) -> None:
    assert malformed(written)


@given(place=PLACES, value=JSON)
@settings(max_examples=600)
def test_no_member_is_an_accident(place: str, value: object) -> None:
    header = luks_header.parse(luks.area(luks.metadata(place, value), label="id"))
    assert header is not None
    assert header.label == "id"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param("config", None, id="null"),
        pytest.param("keyslots", [], id="a list for an object"),
        pytest.param("keyslots/0/kdf/time", 4.0, id="a float for a number"),
        pytest.param("keyslots/0/kdf/time", True, id="a truth for a number"),
        pytest.param("keyslots/0/kdf/memory", "65536", id="a text for a number"),
        pytest.param("keyslots/0/kdf/memory", 1 << 63, id="a number of 64 bits"),
        pytest.param("keyslots/0/kdf/salt", "not base64!", id="no base64"),
        pytest.param("keyslots/0/area/type", "datashift", id="an area of a re-encryption"),
        pytest.param("keyslots/0/type", "reencrypt", id="a key slot of a re-encryption"),
        pytest.param("digests/0/segments", "0", id="a text for a list"),
        pytest.param("segments/0/offset", "-1", id="a negative offset"),
        pytest.param("segments/0/offset", "9" * 30, id="a huge offset"),
        pytest.param("segments/0/encryption", "aes-xts-plain64\0", id="a zero in a text"),
        pytest.param("segments/0/integrity", {"type": "hmac(sha256)"}, id="a member that nobody knows"),
        pytest.param("segments/00", {}, id="a number with zeros before it"),
        pytest.param("unknown", 1, id="a section that nobody knows"),
    ],
)
def test_what_the_specification_does_not_allow_is_malformed(place: str, value: object) -> None:
    assert malformed(json.dumps(luks.metadata(place, value)).encode())


def test_a_member_that_is_there_twice_is_malformed() -> None:
    written = json.dumps(luks.metadata()).replace('"type": "crypt"', '"type": "crypt", "type": "linear"')
    assert malformed(written.encode()) == "a member is there twice"


def test_bytes_behind_the_json_are_malformed() -> None:
    written = json.dumps(luks.metadata()).encode()
    assert not malformed(written)
    assert malformed(written + b"\0" + written)


def test_a_re_encryption_is_told_although_its_key_slots_are_not_read() -> None:
    written = luks.metadata("config/requirements", {"mandatory": ["online-reencrypt-v2"]})
    written["keyslots"] = {"0": {"type": "reencrypt"}}
    header = luks_header.parse(luks.area(written, label="id"))
    assert header is not None
    assert header.requires == ("online-reencrypt-v2",)


def test_a_value_may_be_as_long_and_as_large_as_a_limit_says() -> None:
    assert Reader({"a": "x" * 200}, "it").text("a") == "x" * 200
    assert [Reader({"a": value}, "it").number("a") for value in (0, 1 << 62)] == [0, 1 << 62]
    assert Reader({"a": "9" * 18}, "it").long("a") == 10**18 - 1


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda: Reader({"a": "x" * 201}, "it").text("a"), id="text"),
        pytest.param(lambda: Reader({"a": (1 << 62) + 1}, "it").number("a"), id="number"),
        pytest.param(lambda: Reader({"a": "9" * 19}, "it").long("a"), id="number as text"),
        pytest.param(lambda: Reader({"a": "many"}, "it").size("a"), id="size of a segment"),
        pytest.param(lambda: Reader({"a": "b"}, "it").texts("a"), id="list"),
        pytest.param(lambda: Reader({"a": [1]}, "it").texts("a"), id="list of texts"),
        pytest.param(lambda: Reader({"a": 1}, "it").inner("a"), id="object"),
        pytest.param(lambda: Reader({}, "it").long("a"), id="nothing"),
        pytest.param(lambda: Reader({"a": "QUJD*"}, "it").bytes("a"), id="base64 with another letter"),
    ],
)
def test_one_that_is_longer_or_larger_or_odd_is_malformed(read: Callable[[], object]) -> None:
    with pytest.raises(Malformed, match=r"^it\.a "):
        read()


def test_what_is_malformed_is_named_by_its_place() -> None:
    with pytest.raises(Malformed, match=r"^metadata\.keyslots\.0 is missing$"):
        parse(b'{"keyslots": {}}').inner("keyslots").inner("0")
