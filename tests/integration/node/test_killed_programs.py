"""Each program of each call, killed before, in and after its effect, and one out of memory: real processes and disks.

A killed program has judged nothing: the call is answered not final, the next one ends well, and nothing is lost.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from common import errors
from node.host import mount_calls
from node.host.command import Commands, Ended
from tests.integration.node.conftest import Bench
from tests.integration.node.disks import GIB, disks
from tests.integration.node.test_killed import CASES, KNOWN, Case, Life
from tools.processes.run import ToolFailed, run

AT_ONCE = 3
ENOUGH_FOR_NONE = 512 << 10  # less than a check takes of its own: bytes
WAYS = {
    "before": "kill -9 $$",
    "in": '"$@" & sleep 0.002; kill -9 0',  # the program's whole group, wherever it is by then
    "after": '"$@"; kill -9 $$',
}
GROUPS = Path("/sys/fs/cgroup/memory")


class Killer(Commands):
    """Starts programs, but of one of them a shell that ends as ``script`` says."""

    def __init__(self, at: int, script: str) -> None:
        super().__init__()
        self._at = at
        self._script = script
        self.started: list[str] = []

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        self.started.append(argv[0])
        if len(self.started) - 1 == self._at:
            argv = ("sh", "-c", self._script, argv[0], *argv)
        return await super()._execute(argv, seconds, files, stdin, writes=writes)


async def live(case: Case, folder: Path, at: int, script: str) -> list[str]:
    """Live one life, in whose call one program ends by ``script``; return the programs of that call."""
    with disks(folder) as made:
        life = Life(case, made)
        try:
            for step in case.before:
                await life.take(step)
            killer = Killer(at, script)
            life.commands = killer
            try:
                await life.take(case.call)
            except errors.NotFinal as error:
                assert "was killed (SIGKILL)" in error.message or at < 0  # noqa: PT017  # what else is raised, is wrong
            life.commands = Commands()
            life.grows = killer.started[max(at, 0) : at + 1] != [
                "resize2fs"
            ]  # not mounted: what is left is checked, and used as it is
            await life.repeat()
            await life.finish()
        finally:
            await life.bench.undo()
        return killer.started


@pytest.mark.asyncio
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", [case for case in CASES if case.call not in {"stats", "health"}], ids=str)
async def test_a_call_whose_program_is_killed_is_not_final_and_ends_well_when_it_is_repeated(
    case: Case, disk_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mount_calls, "_OPEN_TREE", -1)  # as on an older kernel: each mount is a program's
    monkeypatch.setattr(mount_calls, "_UMOUNT_NOFOLLOW", 1 << 30)
    places = asyncio.Semaphore(AT_ONCE)

    async def kill(number: int, way: str) -> None:
        async with places:
            await live(case, disk_folder / f"killed-{case}-{number}-{way}", number, WAYS[way])

    programs = await live(case, disk_folder / f"killed-{case}", -1, "")
    assert programs or (case.kind, case.call) in {("", "stage"), ("", "unstage"), ("", "expand")}
    async with asyncio.TaskGroup() as group:
        for number, _ in enumerate(programs):
            for way in WAYS:
                group.create_task(kill(number, way))


@contextmanager
def small_group(name: str, limit_bytes: int) -> Iterator[Path]:
    """A memory cgroup of version 1."""
    group = GROUPS / name
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(limit_bytes))
        yield group
    finally:
        group.rmdir()


@pytest.mark.asyncio
@pytest.mark.skipif(not (GROUPS / "memory.limit_in_bytes").exists(), reason="no memory cgroup of version 1")
async def test_a_check_that_the_kernel_kills_for_lack_of_memory_claims_no_damage(bench: Bench) -> None:
    disk = bench.disks.blank(8 * GIB)
    run("mkfs.ext4", "-q", "-F", str(disk.file))
    run("debugfs", "-w", "-R", "ssv state 2", str(disk.file))  # marked as damaged: the check looks at everything
    life = Life(Case("ext4", "stage"), bench.disks)
    life.disk = disk
    with small_group(f"aiocsi-{disk.id[:8]}", ENOUGH_FOR_NONE) as group:
        killer = Killer(1, f'echo $$ > {group}/cgroup.procs; exec "$@"')
        life.commands = killer
        with pytest.raises(errors.OutcomeUnknown, match=r"was killed \(SIGKILL\), perhaps for lack of memory"):
            await life.take("stage")
    assert killer.started[1] == "e2fsck"
    life.commands = Commands()
    await life.take("stage")
    await life.take("unstage")


@pytest.mark.asyncio
async def test_a_check_that_its_own_limit_keeps_from_memory_claims_no_damage(bench: Bench) -> None:
    disk = bench.disks.blank(8 * GIB)
    run("mkfs.ext4", "-q", "-F", str(disk.file))
    run("debugfs", "-w", "-R", "ssv state 2", str(disk.file))
    life = Life(Case("ext4", "stage"), bench.disks)
    life.disk = disk
    life.commands = Killer(1, 'ulimit -v 8000; exec "$@"')
    with pytest.raises(errors.NotFinal, match=r"could not be checked|was killed"):
        await life.take("stage")
    life.commands = Commands()
    await life.take("stage")
    await life.take("unstage")


@pytest.mark.asyncio
async def test_a_growth_of_which_only_a_part_was_written_is_undone_and_done_again(bench: Bench) -> None:
    life = Life(Case("ext4", "stage", (*KNOWN, "enlarge")), bench.disks)
    for step in life.case.before:
        await life.take(step)
    grown = life.disk.file.with_suffix(".grown")
    growths = bench.disks.folder / "state" / "growths"
    growths.mkdir(exist_ok=True)
    run("cp", "--sparse=always", str(life.disk.file), str(grown))
    run("e2fsck", "-f", "-p", str(grown))
    run("resize2fs", "-z", str(growths / f"{life.disk.id}.e2undo"), str(grown))
    run("dd", f"if={grown}", f"of={life.disk.loop}", "bs=4096", "count=1", "conv=notrunc,fsync")
    run("cp", "--sparse=always", str(life.disk.file), str(grown))
    with pytest.raises(ToolFailed, match="UNEXPECTED INCONSISTENCY"):
        run("e2fsck", "-f", "-p", str(grown))
    await life.take("stage")
    life.check_data()
    assert list(growths.iterdir()) == []
    await life.take("unstage")
