"""SIGKILL at any moment of mixed work: after the restart nothing is lost, stuck or leaked.

``AIOCSI_TEST_KILLS`` says how often (200 in the full run); ``AIOCSI_TEST_SEED`` repeats a run's choices.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from localcloud.disks import loopdevices
from tests.faults.localcloud.invariants import check
from tests.faults.localcloud.work import Notes, work
from tools.services import localcloud
from tools.services.localcloud import Process

KILLS = int(os.environ.get("AIOCSI_TEST_KILLS", "4"))
SEED = int(os.environ.get("AIOCSI_TEST_SEED", "20261124"))
LONGEST_LIFE_SECONDS = 0.5
OPTIONS = ("--action-latency=0-0.1", "--snapshot-interval=0", "--droplets=6")

without_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: loop devices and device nodes")


async def killed(process: Process, notes: Notes, dice: random.Random) -> None:
    """Work on the cloud, and kill it in the middle."""
    async with localcloud.client(process) as api, asyncio.TaskGroup() as tasks:
        tasks.create_task(work(api, notes, dice, [droplet.id for droplet in process.ready.droplets]))
        await asyncio.to_thread(process.kill_after, dice.uniform(0, LONGEST_LIFE_SECONDS))


@pytest.mark.asyncio
@pytest.mark.timeout(60 + 20 * KILLS)
@pytest.mark.parametrize("disks", ["none", pytest.param("loop", marks=without_root)])
async def test_no_kill_loses_a_volume_sticks_an_action_or_leaks_a_device(tmp_path: Path, disks: str) -> None:
    state, notes = tmp_path / "state", Notes()
    dice = random.Random(SEED)  # noqa: S311 (a run that can be repeated)
    options = (f"--disks={disks}", *OPTIONS)
    for _ in range(KILLS):
        with Process(state, *options) as process:
            async with localcloud.client(process) as api:
                await check(process, api, notes, disks=disks == "loop")
            await killed(process, notes, dice)
    with Process(state, *options) as process:
        async with localcloud.client(process) as api:
            await check(process, api, notes, disks=disks == "loop")
    assert notes.made
    assert loopdevices.bound_below(state / "volumes") == {}
