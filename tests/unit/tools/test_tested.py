"""What the docs say of tested versions of Kubernetes is what the last runs were."""

from tools import go_programs, tested
from tools.venv import ROOT

PAGE = ROOT / "docs/reference/support.md"


def test_the_page_of_what_is_supported_calls_each_tested_version_tested_and_no_other() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| Kubernetes | ")]
    said = [row[1] for row in rows if row[2].startswith("tested: a cluster")]
    assert said == [tested.minors()]


def test_each_tested_version_is_one_that_a_cluster_can_be_made_of() -> None:
    known = {go_programs.version("e2e.test"), *(one.version for one in go_programs.others())}
    assert {run.version for run in tested.runs()} <= known
