import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common import errors
from controller.rules import pages

IDS = st.uuids().map(str) | st.integers(1).map(str) | st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)


@given(st.integers(0, 4_000_000_000), IDS)
@example(1_700_000_000, "5")
def test_a_token_leads_back_to_its_place(created_at: int, volume_id: str) -> None:
    place = (float(created_at), volume_id)
    assert pages.after(pages.token(place)) == place


@pytest.mark.parametrize("text", ["x", "0", "v2.1.x", "v1.1.", "v1.-1." + "0" * 36, "v1.1.a\nb"])
def test_a_token_of_somebody_else_makes_the_list_start_anew(text: str) -> None:
    with pytest.raises(errors.StaleToken):
        pages.after(text)


def test_a_list_begins_before_every_entry_without_a_token() -> None:
    assert pages.after("") == pages.START
    assert pages.START < (0.0, "")


@pytest.mark.parametrize(("asked", "entries"), [(0, 100), (1, 1), (100, 100), (101, 100)])
def test_a_page_is_as_long_as_asked_but_never_longer_than_the_longest(asked: int, entries: int) -> None:
    assert pages.length(asked, 100) == entries
