"""How ginkgo's JSON report is read: nothing that went wrong may look like success."""

import json
from pathlib import Path

import pytest

from tests.sanity import report

Json = dict[str, object]


def spec(state: str, text: str = "should work", message: str = "", kind: str = "It") -> Json:
    hierarchy = ["Node Service"] if kind == "It" else None
    found: Json = {"ContainerHierarchyTexts": hierarchy, "LeafNodeType": kind, "LeafNodeText": text, "State": state}
    return found | ({"Failure": {"Message": message}} if message else {})


def read(folder: Path, *specs: Json, succeeded: bool = True) -> report.Outcome:
    file = folder / "report.json"
    file.write_text(json.dumps([{"SuiteSucceeded": succeeded, "SpecReports": specs}]))
    return report.read(file)


def test_a_run_is_shown_with_failures_skips_and_counts(tmp_path: Path) -> None:
    outcome = read(
        tmp_path,
        spec("passed"),
        spec("passed"),
        spec("skipped", "should expand", "ExpandVolume not supported\nsomewhere.go:12"),
        spec("pending", "should list"),
        spec("failed", "should mount", "Expected\n    not nil"),
        succeeded=False,
    )
    assert outcome.lines() == [
        "FAILED Node Service should mount\n  Expected\n    not nil",
        "skipped Node Service should expand: ExpandVolume not supported",
        "skipped Node Service should list: switched off in csi-sanity itself",
        "2 passed, 1 failed, 2 skipped",
    ]
    assert not outcome.good


@pytest.mark.parametrize("state", ["failed", "panicked", "interrupted", "aborted", "timedout"])
def test_a_spec_that_did_not_come_to_its_end_is_a_failure(tmp_path: Path, state: str) -> None:
    outcome = read(tmp_path, spec("passed"), spec(state))
    assert [len(outcome.passed), len(outcome.failed), outcome.good] == [1, 1, False]


def test_set_up_and_clean_up_count_only_when_they_fail(tmp_path: Path) -> None:
    fine = read(tmp_path, spec("passed"), spec("passed", kind="BeforeSuite"), spec("skipped", kind="AfterSuite"))
    assert [len(fine.passed), len(fine.skipped), fine.good] == [1, 0, True]
    assert not read(tmp_path, spec("passed"), spec("failed", kind="AfterSuite")).good


def test_a_suite_that_ran_nothing_is_not_good(tmp_path: Path) -> None:
    assert not read(tmp_path, spec("skipped")).good
    assert not read(tmp_path).good


def test_a_suite_that_calls_itself_failed_is_not_good(tmp_path: Path) -> None:
    assert not read(tmp_path, spec("passed"), succeeded=False).good
