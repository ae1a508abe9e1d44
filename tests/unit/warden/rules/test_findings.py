"""A finding stands after so many rounds, and has gone after two without it."""

import pytest

from warden.rules.findings import Track, follow, stands


def played(rounds: str, needed: int) -> list[bool]:
    """Return whether the finding stood after each round: f found, m missed, u not judged."""
    tracks: dict[str, Track] = {}
    stood = []
    for each in rounds:
        judged = {"key"} if each != "u" else set()
        tracks = follow(tracks, ["key"] if each == "f" else [], judged.__contains__, needed)
        stood.append("key" in tracks and stands(tracks["key"], needed))
    return stood


@pytest.mark.parametrize(
    ("rounds", "needed", "stood"),
    [
        pytest.param("ff", 2, [False, True], id="two in a row"),
        pytest.param("fmf", 2, [False, False, False], id="not in a row"),
        pytest.param("fuf", 2, [False, False, True], id="a round that is not judged is none"),
        pytest.param("ffmm", 2, [False, True, True, False], id="gone after two"),
        pytest.param("fmfmm", 1, [True, True, True, True, False], id="missed once is not gone"),
        pytest.param("fmumuu", 1, [True, True, True, False, False, False], id="gone after two that are judged"),
        pytest.param("fmmf", 1, [True, True, False, True], id="comes back"),
        pytest.param("ffmmf", 2, [False, True, True, False, False], id="comes back, and needs two again"),
    ],
)
def test_rounds(rounds: str, needed: int, stood: list[bool]) -> None:
    assert played(rounds, needed) == stood
