"""The table of CSI's requirements names tests that exist, and sources that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "csi-conformance.md").read_text()
ROWS = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| ") and "`" in line]


def test_each_requirement_names_tests_that_exist() -> None:
    there = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    named = {name for row in ROWS for name in re.findall(r"`(test_\w+)`", row[2])}
    assert len(named) > 40
    assert named - there == set()


def test_each_requirement_names_a_source_that_exists() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([\w/]+)`", row[1])}
    assert [
        name for name in named if not any((ROOT / home / f"{name}.py").exists() for home in ("", "controller"))
    ] == []
