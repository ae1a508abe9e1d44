import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from controller.rules import names

ACCEPTED = st.from_regex(r"[a-z][a-z0-9-]{0,63}", fullmatch=True)
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=32)


@given(ACCEPTED)
def test_a_name_that_the_cloud_accepts_stays_as_it_is(name: str) -> None:
    assert names.cloud_name(name, "volume") == name


@given(PRINTABLE)
def test_every_printable_name_becomes_one_that_the_cloud_accepts(name: str) -> None:
    mapped = names.cloud_name(name, "volume")
    assert names._ACCEPTED.fullmatch(mapped)
    assert names.cloud_name(name, "volume") == mapped


@given(PRINTABLE, PRINTABLE)
def test_two_names_never_become_one(first: str, second: str) -> None:
    assert (first == second) == (names.cloud_name(first, "volume") == names.cloud_name(second, "volume"))


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
        names.cloud_name(name, "volume")


@pytest.mark.parametrize("node_id", ["", "a", "-1", "0", "007", "1.5", "1e3", "१२३", "9" * 40, " 1", "1\n"])
def test_a_node_id_that_is_no_number_is_no_server(node_id: str) -> None:
    assert not names.is_server_id(node_id)


@pytest.mark.parametrize("text", ["", "..", "../x", "x" * 36, "506F78A4-E098-11E5-AD9F-000F53306AE1", "a/b"])
def test_what_is_no_uuid_is_no_id(text: str) -> None:
    assert not names.is_uuid(text)
