import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from controller.rules import pages


@given(st.integers(0, 4_000_000_000), st.uuids())
def test_a_token_leads_back_to_its_place(created_at: int, volume_id: object) -> None:
    place = (float(created_at), str(volume_id))
    assert pages.after(pages.token(place)) == place


@pytest.mark.parametrize("text", ["x", "0", "v2.1.x", "v1.1.", "v1.-1." + "0" * 36, "v1.1." + "g" * 36])
def test_a_token_of_somebody_else_makes_the_list_start_anew(text: str) -> None:
    with pytest.raises(errors.StaleToken):
        pages.after(text)
