"""Golden files of a version that was released are never edited."""

import shutil

import pytest

from tests.contract.formats.golden import HERE, VERSIONS
from tools.processes.run import ToolFailed, run


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_version_keeps_its_golden_files(version: str) -> None:
    if shutil.which("git") is None:
        return  # nothing can be compared
    try:
        run("git", "rev-parse", "--verify", "--quiet", f"refs/tags/v{version}", cwd=HERE)
    except ToolFailed:
        return  # it is not released, or this is no clone
    assert run("git", "diff", "--stat", f"v{version}", "--", f"./{version}", cwd=HERE) == ""
