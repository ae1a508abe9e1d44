"""Golden files of a version that was released are never edited."""

import asyncio

import pytest

from tests.contract.formats.golden import HERE, VERSIONS


async def git(*argv: str) -> tuple[int, str]:
    """Return exit status and output of git; where there is none, or no repository, nothing can be compared."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec("git", *argv, cwd=HERE, stdout=pipe, stderr=pipe)  # noqa: TID251  # in a test, of the tree
    except FileNotFoundError:
        return 127, ""
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.asyncio
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_released_version_keeps_its_golden_files(version: str) -> None:
    status, _ = await git("rev-parse", "--verify", "--quiet", f"refs/tags/v{version}")
    if status != 0:
        return  # it is not released, or this is no clone
    assert await git("diff", "--stat", f"v{version}", "--", f"./{version}") == (0, "")
