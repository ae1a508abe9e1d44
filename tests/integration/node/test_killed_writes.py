"""Each program that writes to a disk, killed before its n-th write: what it leaves is read right by the next call.

strace(1) counts the writes and kills, so a point is the same at each run. A program that lets the kernel write
(xfs_growfs, btrfs) changes a mounted file system, whose journal makes that whole.
"""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.integration.node.test_killed import KNOWN, Case
from tests.integration.node.test_killed_programs import AT_ONCE, live

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace"),
]
COUNT = "exec strace -f -o {log} -e trace=pwrite64 {argv}"
KILL = "strace -f -o /dev/null -e trace=pwrite64 -e inject=pwrite64:signal=SIGKILL:when={number} {argv}; kill -9 $$"
ALL = '"$@"'
NOTHING_TO_UNDO = '"$1" "$4"'  # without -z: an encrypted volume, or the next call is another node's
LARGER = Case("ext4", "stage", (*KNOWN, "enlarge"))
WRITERS = [
    pytest.param(Case("ext4", "stage"), "mkfs.ext4", ALL, 12, id="mkfs.ext4"),
    pytest.param(Case("xfs", "stage"), "mkfs.xfs", ALL, 12, id="mkfs.xfs"),
    pytest.param(Case("btrfs", "stage"), "mkfs.btrfs", ALL, 12, id="mkfs.btrfs"),
    pytest.param(LARGER, "resize2fs", ALL, 24, id="resize2fs"),
    pytest.param(LARGER, "resize2fs", NOTHING_TO_UNDO, 17, id="resize2fs-not-undone"),
]


@pytest.mark.parametrize(("case", "program", "argv", "points"), WRITERS)
async def test_what_a_program_leaves_that_is_killed_before_any_write_is_read_by_the_next_call(
    case: Case, program: str, argv: str, points: int, disk_folder: Path
) -> None:
    log = disk_folder / f"{program}-{points}.writes"
    at = (await live(case, disk_folder / f"{program}-{points}-all", -1, "")).index(program)
    await live(case, disk_folder / f"{program}-{points}-counted", at, COUNT.format(log=log, argv=argv))
    writes = sum("pwrite64(" in line for line in log.read_text(errors="replace").splitlines())
    places = asyncio.Semaphore(AT_ONCE)

    async def kill(number: int) -> None:
        async with places:
            await live(case, disk_folder / f"{program}-{points}-{number}", at, KILL.format(number=number, argv=argv))

    async with asyncio.TaskGroup() as group:
        for number in {1 + point * (writes - 1) // (points - 1) for point in range(points)}:
            group.create_task(kill(number))
