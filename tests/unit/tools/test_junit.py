"""How a test run is counted."""

from pathlib import Path

import pytest

from tools import junit
from tools.junit import Counts


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        pytest.param('tests="5" failures="0" errors="0" skipped="0"', Counts(5, 0, 0), id="all passed"),
        pytest.param('tests="5" failures="1" errors="0" skipped="2"', Counts(2, 1, 2), id="some of each"),
        pytest.param('tests="2" failures="1" errors="1" skipped="0"', Counts(0, 2, 0), id="an error is a failure"),
        pytest.param('tests="1" failures="0" errors="2" skipped="0"', Counts(0, 2, 0), id="more errors than tests"),
    ],
)
def test_counts_are_read_from_the_junit_file(tmp_path: Path, attributes: str, counts: Counts) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(f"<testsuites><testsuite {attributes}/></testsuites>")
    assert junit.read(file) == counts


def test_a_run_that_left_no_file_counts_nothing(tmp_path: Path) -> None:
    assert junit.read(tmp_path / "none.xml") == Counts()


def test_counts_add_up() -> None:
    assert str(Counts(1, 2, 3) + Counts(10, 20, 30)) == "11 passed, 22 failed, 33 skipped"
