"""Which of upstream's specs are run."""

from pathlib import Path

import pytest

from tests.e2e import suite
from tests.e2e.cluster.workspace import Workspace

EVERYTHING = "-focus=External.Storage"


@pytest.fixture(autouse=True)
def report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(suite, "REPORT", tmp_path)


def chosen(parts: list[str], options: list[str]) -> list[str]:
    return [word for word in suite.command(Workspace(), parts, options) if word.startswith("-focus")]


def test_nothing_but_specs_of_external_drivers_is_run_whatever_is_asked_for() -> None:
    assert chosen([], []) == [EVERYTHING]
    assert chosen(["(xfs)] volumes … data"], []) == [f"{EVERYTHING}.*(.xfs...volumes..*.data)"]
    assert chosen([], ["-focus=Slow|Serial"]) == [f"{EVERYTHING}.*(Slow|Serial)"]
