"""What the pages say of checks and what there is are the same."""

import re

import pytest

from common import errors
from common.codes import Code as GeneralCode
from common.codes import ErrorCode
from controller.codes import Code as ControllerCode
from kubectl_aiocsi.rules.causes import CAUSES, cause_of
from kubectl_aiocsi.rules.doctor import CHECKS
from node.codes import Code as NodeCode
from tests.unit.kubectl_aiocsi.examples import EXAMPLES, PAGE, Example, shown
from tools.venv import ROOT

ROW = re.compile(r"(?m)^\| `([a-z-]+)` \|")
IDS = {check.id for check in CHECKS}


def test_each_check_has_one_row_in_the_guide_and_each_row_its_check() -> None:
    rows = ROW.findall((ROOT / "docs/guides/troubleshoot.md").read_text())
    assert len(rows) == len(set(rows))
    assert set(rows) == IDS


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.section)
def test_the_page_shows_for_each_symptom_what_the_plugin_prints(example: Example) -> None:
    section = PAGE.read_text().partition(f"## {example.section}\n")[2].partition("\n## ")[0]
    assert shown(example) in section


def test_the_reference_tells_how_bad_each_check_is() -> None:
    page = (ROOT / "docs/reference/kubectl.md").read_text()
    rows = dict(re.findall(r"(?m)^\| `([a-z-]+)` \| ([a-z]+) \|", page.partition("## Checks")[2]))
    status = {"warning": 1, "critical": 2}  # of `doctor`
    assert {check: status[level] for check, level in rows.items()} == {check.id: check.level.value for check in CHECKS}


@pytest.mark.parametrize("kind", [GeneralCode, ControllerCode, NodeCode], ids=lambda kind: kind.__module__)
def test_the_words_of_a_remedy_are_not_taken_for_another_cause(kind: type[ErrorCode]) -> None:
    by_code = {number: cause.id for cause in CAUSES for number in cause.codes}
    meant = {code: by_code.get(code.removeprefix("AIOCSI-"), "") for code in kind}
    assert {code: cause_of(errors.Refused("x", error_code=code).coded, "") for code in kind} == meant


def test_a_cause_is_a_check_and_its_codes_are_codes_of_the_driver() -> None:
    known = {code.value.removeprefix("AIOCSI-") for kind in (GeneralCode, ControllerCode, NodeCode) for code in kind}
    assert {cause.id for cause in CAUSES} <= IDS
    assert {code for cause in CAUSES for code in cause.codes} <= known
