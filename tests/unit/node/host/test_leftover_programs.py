"""Programs that outlive the node that started them."""

import asyncio
from pathlib import Path

import pytest

from common import errors
from common.tasks import Tasks
from node.host.command import Commands
from node.host.leftover_programs import LeftoverPrograms


@pytest.mark.asyncio
async def test_a_program_of_a_life_before_is_found_until_it_has_ended(tmp_path: Path) -> None:
    fifo, target = tmp_path / "fifo", str(tmp_path / "target")
    fifo.touch()
    tasks = Tasks()
    argv = ("tail", "-f", str(fifo), target)
    running = tasks.background(Commands(owner="node-1").run(*argv, seconds=60), "program")
    async with asyncio.timeout(10):
        while not (left := LeftoverPrograms("node-1"))._left:  # noqa: ASYNC110  # until it has started
            await asyncio.sleep(0.01)  # noqa: TID251  # the same
    with pytest.raises(errors.Unavailable, match=r"tail \(pid [0-9]+\), begun before a restart"):
        left.check(target)
    left.check(f"{target}/below")
    LeftoverPrograms("node-2").check(target)
    running.cancel()
    await asyncio.wait([running])
    left.check(target)
