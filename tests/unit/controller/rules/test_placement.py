import pytest

from common import errors
from controller.rules import placement

A, B = {"region": "a"}, {"region": "b"}


@pytest.mark.parametrize(
    ("requisite", "preferred", "several", "zone"),
    [
        pytest.param([], [], False, "a", id="nothing is asked"),
        pytest.param([], [], True, "a", id="nothing is asked of several"),
        pytest.param([B, A], [B], False, "a", id="one zone is served"),
        pytest.param([A, B], [B], True, "b", id="the preferred of several"),
        pytest.param([B], [], True, "b", id="the only one of several"),
    ],
)
def test_a_volume_is_made_where_it_is_asked_for(
    requisite: list[dict[str, str]], preferred: list[dict[str, str]], several: bool, zone: str
) -> None:
    assert placement.choose("volume v", placement.allowed(requisite, preferred, "region"), "a", several=several) == zone


def test_a_zone_that_is_not_served_is_refused() -> None:
    with pytest.raises(errors.ResourceExhausted, match="b"):
        placement.choose("volume v", ["b"], "a", several=False)


@pytest.mark.parametrize("segments", [{}, {"region": ""}, {"region": "a", "rack": "1"}])
def test_segments_that_name_no_zone_or_more_are_refused(segments: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidArgument):
        placement.zone_of(segments, "region")
