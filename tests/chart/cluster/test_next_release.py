"""``helm rollback`` over a release that has a value more, and a release of today after it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.chart.cluster.control_plane import ControlPlane
from tests.chart.cluster.test_install import IN, told
from tools.chart import CHART, branch, helm
from tools.processes.run import ToolFailed

NEXT = "--set=driver.next=of the next release"


@pytest.fixture
def next_chart(tmp_path: Path) -> Path:
    """The chart of the next release: today's with one value more, which it tells both services."""
    chart = tmp_path / "aiocsi"
    shutil.copytree(CHART, chart)
    schema = json.loads((chart / "values.schema.json").read_text())
    branch(branch(branch(schema, "properties"), "driver"), "properties")["next"] = {"type": "string"}
    (chart / "values.schema.json").write_text(json.dumps(schema))
    env = chart / "templates" / "_helpers.tpl"
    before = "- name: AIOCSI_DRIVER_NAME\n"
    assert env.read_text().count(before) == 1
    told_more = "{{- with .Values.driver.next }}\n- name: NEXT\n  value: {{ . | quote }}\n{{- end }}\n"
    env.write_text(env.read_text().replace(before, told_more + before))
    return chart


def upgrade(plane: ControlPlane, chart: Path, *more: str) -> None:
    plane.helm("helm", "upgrade", "--install", "aiocsi", str(chart), IN, *more)


def test_a_rollback_over_a_release_with_a_value_more_leaves_what_was_there(
    plane: ControlPlane, next_chart: Path
) -> None:
    upgrade(plane, CHART, f"--values={helm.REQUIRED}", "--set=driver.logLevel=debug")
    before = told(plane)
    upgrade(plane, next_chart, "--reuse-values", NEXT)
    assert "of the next release" in told(plane)
    plane.helm("helm", "rollback", "aiocsi", IN)
    assert told(plane) == before
    upgrade(plane, next_chart, "--reuse-values", NEXT)
    assert "of the next release" in told(plane)


def test_todays_chart_names_a_value_of_the_next_release_and_changes_nothing(
    plane: ControlPlane, next_chart: Path
) -> None:
    upgrade(plane, next_chart, f"--values={helm.REQUIRED}", NEXT)
    before = told(plane)
    with pytest.raises(ToolFailed, match="next"):
        upgrade(plane, CHART, "--reuse-values")
    assert told(plane) == before
    upgrade(plane, CHART, "--reset-values", f"--values={helm.REQUIRED}")
    assert "of the next release" not in told(plane)
