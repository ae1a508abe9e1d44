import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from controller.digitalocean.limits import TRAITS
from controller.rules import names

RULE = TRAITS.names
ACCEPTED = st.from_regex(r"[a-z][a-z0-9-]{0,63}", fullmatch=True)
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=32)


@given(ACCEPTED)
def test_a_name_that_the_cloud_accepts_stays_as_it_is(name: str) -> None:
    assert names.cloud_name(name, "volume", RULE) == name


@given(PRINTABLE)
def test_every_printable_name_becomes_one_that_the_cloud_accepts(name: str) -> None:
    mapped = names.cloud_name(name, "volume", RULE)
    assert RULE.accepts(mapped)
    assert names.cloud_name(name, "volume", RULE) == mapped


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        pytest.param("My Data", "csi-my-data-", id="readable"),
        pytest.param("データ", "csi-", id="nothing readable is left"),
        pytest.param("csi-clone-1", "csi-csi-clone-1-", id="reserved"),
    ],
)
def test_a_mapped_name_shows_what_is_readable_of_it_and_a_hash(name: str, begins: str) -> None:
    mapped = names.cloud_name(name, "volume", RULE, reserved="csi-clone-")
    digest = mapped.removeprefix(begins)
    assert mapped.startswith(begins)
    assert set(digest) <= set("0123456789abcdef")
    assert len(digest) == 28


@given(PRINTABLE, PRINTABLE)
def test_two_names_never_become_one(first: str, second: str) -> None:
    assert (first == second) == (names.cloud_name(first, "volume", RULE) == names.cloud_name(second, "volume", RULE))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a\nb", id="newline"),
        pytest.param("a\0", id="NUL"),
        pytest.param("x" * 129, id="129 bytes"),
        pytest.param("é" * 65, id="130 bytes in 65 letters"),
        pytest.param("x" * 5000, id="5,000 bytes"),
    ],
)
def test_an_odd_name_is_refused(name: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        names.cloud_name(name, "volume", RULE)


@pytest.mark.parametrize("text", ["", "a\nb", "a\0", "x" * 129, "é" * 65])
def test_what_csi_does_not_allow_as_an_id_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        names.check_id(text, "volume")


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=32))
def test_any_other_text_may_be_an_id(text: str) -> None:
    assert names.check_id(text, "volume") == text


@pytest.mark.parametrize(("length", "told"), [(80, "x" * 80), (81, "x" * 77 + "...")])
def test_a_text_is_shown_up_to_80_characters(length: int, told: str) -> None:
    assert names.shown("x" * length) == repr(told)


def test_a_name_or_an_id_that_is_no_unicode_is_refused_by_name() -> None:
    with pytest.raises(errors.InvalidArgument, match="cannot be printed"):
        names.cloud_name("\ud800", "volume", RULE)
    with pytest.raises(errors.InvalidArgument, match="not printable"):
        names.check_id("\ud800", "volume")


def test_a_name_and_an_id_may_have_as_many_bytes_as_csi_allows() -> None:
    text = "x" * 128
    assert names.check_id(text, "volume") == text
    assert names.cloud_name(text, "volume", RULE).startswith(f"csi-{'x' * 30}-")
