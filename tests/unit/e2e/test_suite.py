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


def test_a_spec_may_skip_itself_for_a_reason_that_is_written_down_and_for_no_other() -> None:
    assert suite.unexpected(["Driver x doesn't support RWX -- skipping", "volume type CSIEphemeral is ephemeral"]) == []
    assert suite.unexpected(["Driver x does not support volume snapshots"]) == [
        "Driver x does not support volume snapshots"
    ]


def test_the_readme_has_each_reason_for_which_a_spec_is_not_run_or_skips_itself() -> None:
    readme = (suite.HERE.parent / "README.md").read_text()
    parts = [*suite.skipped(), *suite.skip_themselves()]
    assert [part for part in parts if f"`{part}`" not in readme] == []
