import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from controller.rules import pages

IDS = st.uuids().map(str) | st.integers(1).map(str) | st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)


@given(st.integers(0, 4_000_000_000), IDS)
def test_a_token_leads_back_to_its_place(created_at: int, volume_id: str) -> None:
    place = (float(created_at), volume_id)
    assert pages.after(pages.token(place)) == place


@pytest.mark.parametrize("text", ["x", "0", "v2.1.x", "v1.1.", "v1.-1." + "0" * 36, "v1.1.a\nb"])
def test_a_token_of_somebody_else_makes_the_list_start_anew(text: str) -> None:
    with pytest.raises(errors.StaleToken):
        pages.after(text)
