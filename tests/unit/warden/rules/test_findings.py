"""A finding stands after so many rounds, and has gone after two without it."""

import pytest

from warden.rules.findings import Ledger


def played(rounds: str, needed: int) -> list[bool]:
    """Return whether the finding stood after each round: f found, m missed, u not judged."""
    ledger: Ledger[str] = Ledger(needed)
    stood = []
    for each in rounds:
        ledger.learn(["key"] if each == "f" else [], () if each == "u" else (None,))
        stood.append(ledger.standing() == ["key"])
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


def test_what_was_told_is_not_told_again_until_it_has_gone() -> None:
    ledger: Ledger[str] = Ledger(1)
    ledger.know(["before"])
    assert (ledger.standing(), ledger.untold()) == (["before"], [])
    assert ledger.learn(["new"]) == []
    assert ledger.untold() == ["new"]
    assert not ledger.try_to_tell("new")  # the process that led before may have told it
    ledger.tell("new")
    assert ledger.learn(["new"]) == ["before"]
    assert (ledger.standing(), ledger.untold()) == (["new"], [])
    ledger.learn(["new", "later"])
    assert (ledger.try_to_tell("later"), ledger.try_to_tell("later")) == (True, False)
    assert ledger.untold() == ["later"]
