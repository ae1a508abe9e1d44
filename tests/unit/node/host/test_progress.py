"""A program that writes gets on as long as it writes."""

import sys
from pathlib import Path

import pytest

from common import errors
from node.host.command import Commands

SHELL = "/bin/sh"


@pytest.mark.asyncio
async def test_a_program_that_writes_is_not_cut_off_while_it_gets_on() -> None:
    script = "import time; end = time.monotonic() + 1.2\nwhile time.monotonic() < end: pass\nprint('done')"
    assert (await Commands().run(sys.executable, "-c", script, seconds=0.3, writes=True)).stdout == "done\n"


@pytest.mark.asyncio
async def test_a_program_that_writes_and_stands_still_is_asked_to_end_before_it_is_killed(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = f"trap 'echo asked > {said}; exit 0' TERM; sleep 600 & wait"
    with pytest.raises(errors.OutcomeUnknown, match="made no progress for 1 s"):
        await Commands().run(SHELL, "-c", script, seconds=1, writes=True)
    assert said.read_text() == "asked\n"
