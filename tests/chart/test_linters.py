"""Each finding of kube-score on the chart's defaults is answered in charts/LINTERS.md."""

import json
import re
import subprocess  # noqa: TID251  # its exit status says that there are findings

import pytest

from tools import go_programs
from tools.chart import SNAPSHOTS
from tools.venv import ROOT

ALL_IS_WELL = 7
OBJECTS = {"DaemonSet": "node", "Deployment": "controller"}

pytestmark = pytest.mark.timeout(120)


def found() -> set[tuple[str, str]]:
    """Return what kube-score finds: the name of a check, and the part of the driver."""
    argv = [str(go_programs.path("kube-score")), "score", "--output-format=json", str(SNAPSHOTS / "default.yaml")]
    done = subprocess.run(argv, check=False, capture_output=True, timeout=60)
    return {
        (check["check"]["id"], OBJECTS.get(scored["type_meta"]["kind"], scored["type_meta"]["kind"]))
        for scored in json.loads(done.stdout)
        for check in scored["checks"]
        if not check.get("skipped") and check["grade"] < ALL_IS_WELL
    }


def answered() -> set[tuple[str, str]]:
    """Return what the page answers."""
    rows = re.findall(
        r"^\| ([a-z-]+) \| (both|node|controller) \|", (ROOT / "charts/LINTERS.md").read_text(), re.MULTILINE
    )
    return {(check, part) for check, told in rows for part in (("node", "controller") if told == "both" else (told,))}


def test_each_finding_is_answered_and_each_answer_has_its_finding() -> None:
    assert found() == answered()
