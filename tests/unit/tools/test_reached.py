"""What a test run must reach, played on a package with one decision and one thing that decides nothing."""

import os
import sys
from pathlib import Path

import pytest

from tools import reached
from tools.processes.run import run
from tools.venv import ROOT

PROJECT = """\
[tool.coverage.run]
branch = true
source = ["driver"]

[[tool.importlinter.contracts]]
name = "Decisions and readers of formats are pure"
source_modules = ["driver.rules", "driver.sizes"]

[[tool.importlinter.contracts]]
name = "Another one"
source_modules = ["driver.effects"]
"""
DECISION = """\
def decide(size):
    if size < 0:
        size = 0
    return size
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    package = tmp_path / "driver"
    (package / "rules").mkdir(parents=True)
    for empty in (package, package / "rules"):
        (empty / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (package / "rules" / "limits.py").write_text(DECISION)
    (package / "sizes.py").write_text("GIB = 1 << 30\n")
    (package / "effects.py").write_text("def act():\n    print('acts')\n")
    return tmp_path


def judged(project: Path, data: Path, *statements: str) -> bool:
    """Run the statements, each measured in a process, as workers are, and judge what they reach."""
    data.mkdir()
    environment = {**os.environ, **reached.environment(data)}
    for statement in statements:
        script = project / "play.py"
        script.write_text(f"import driver.effects, driver.sizes\nfrom driver.rules.limits import decide\n{statement}\n")
        argv = [sys.executable, "-m", "coverage", "run", "--parallel-mode", str(script)]
        run(*argv, cwd=project, environment=environment, seconds=30)
    return reached.judge(data, project)


def test_all_that_decides_is_reached_by_the_workers_together(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(project, tmp_path / "data", "decide(1)", "decide(-1)")
    assert capsys.readouterr().out == "reached of lines and branches: all that decide, 50 % of the rest\n"


@pytest.mark.parametrize(
    ("statement", "missed"),
    [pytest.param("decide(1)", "3", id="a line"), pytest.param("decide(-1)", "2->4", id="a branch without a line")],
)
def test_what_is_missed_of_a_decision_is_named(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], statement: str, missed: str
) -> None:
    assert not judged(project, tmp_path / "data", statement)
    told = capsys.readouterr().out
    (line,) = (line for line in told.splitlines() if "limits.py" in line)
    assert line.split()[-1] == missed
    assert "effects.py" not in told


def test_a_decision_that_no_test_imports_is_missed(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "driver" / "rules" / "new.py").write_text(DECISION)
    assert not judged(project, tmp_path / "data", "decide(1)", "decide(-1)")
    assert "new.py" in capsys.readouterr().out


def test_what_is_held_pure_in_this_project_is_what_decides() -> None:
    patterns = reached._decides(ROOT / "pyproject.toml")
    assert {"common/errors.py", "controller/rules/*", "node/rules/*", "node/formats/*"} <= set(patterns)
