"""Formats and checks of other volumes delay none for long, whatever is on the disks."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from common import errors
from node.host.command import Commands, Ended
from node.host.devices import Device
from node.host.filesystems import Filesystems
from node.host.threads import Threads
from node.records.kernel import Facts
from node.records.requests import Filesystem

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

HOUR, MOMENT = 3600.0, 0.01
PARALLEL, ATTACHED = 4, 15

Result = TypeVar("Result")


class Disks(Commands):
    """Programs take an hour on the disks whose descriptors are negative, and a moment on the others."""

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        assert (seconds, stdin, writes) == (110.0, b"", True)
        await asyncio.sleep(HOUR if files[0] < 0 else MOMENT)  # noqa: TID251  # virtual time
        return Ended(argv, 0, "", "")


class Inline(Threads):
    """Works at once: a thread takes no virtual time."""

    async def call(self, work: Callable[[], Result], seconds: float, what: str) -> Result:  # noqa: ARG002
        return work()


def make(commands: Commands, folder: Path) -> Filesystems:
    return Filesystems(commands, Inline(1), folder / "growths", PARALLEL, 110.0)


def disk(number: int) -> Device:
    return Device("/dev/sdx", number, Facts("sdx", "8:1", 1 << 30))


@pytest.mark.parametrize("what", ["format", "check", "marked"])
@pytest.mark.parametrize("hostile", ["checks", "marked checks", "formats"])
async def test_programs_that_do_not_end_delay_another_volume_for_less_than_10_seconds(what: str, hostile: str) -> None:
    filesystems = make(Disks(), Path("/nowhere"))
    clock = asyncio.get_running_loop().time

    async def work(kind: str, number: int) -> float:
        asked = clock()
        if kind == "format":
            await filesystems.make(Filesystem("ext4"), disk(number), wipe=False, lazy=True)
        else:
            await filesystems.check("ext4", disk(number), "id", marked=kind == "marked")
        return clock() - asked

    kind = {"checks": "check", "marked checks": "marked", "formats": "format"}[hostile]
    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(work(kind, -number)) for number in range(1, ATTACHED)]
        await asyncio.sleep(MOMENT)  # noqa: TID251  # virtual time: they have begun
        took = await asyncio.wait_for(work(what, 1), HOUR)
        assert took < 10
        assert (took > 1) == (what == kind), "each kind has places of its own"
        for task in slow:
            task.cancel()


async def test_many_sound_disks_are_checked_a_few_at_a_time() -> None:
    filesystems = make(Disks(), Path("/nowhere"))
    start = asyncio.get_running_loop().time()
    await asyncio.gather(*(filesystems.check("ext4", disk(1), "id", marked=False) for _ in range(ATTACHED)))
    assert asyncio.get_running_loop().time() - start == pytest.approx(MOMENT * -(-ATTACHED // PARALLEL))


class Growth(Commands):
    """resize2fs and e2undo end as they are told to; the first leaves an undo file."""

    said = ""

    def __init__(self, **statuses: int) -> None:
        super().__init__()
        self.started: list[tuple[str, ...]] = []
        self._statuses = statuses

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        assert (seconds, stdin, files, writes) == (110.0, b"", (1,), True)
        self.started.append(argv)
        if argv[:2] == ("resize2fs", "-z"):
            Path(argv[2]).touch()  # noqa: ASYNC240  # a file of this test
        return Ended(argv, self._statuses.get(argv[0], 0), "", self.said)

    @property
    def programs(self) -> list[str]:
        return [argv[0] for argv in self.started]


@pytest.mark.parametrize(
    ("statuses", "programs"),
    [
        pytest.param({}, ["e2fsck", "resize2fs"], id="grown"),
        pytest.param({"resize2fs": 1}, ["e2fsck", "resize2fs", "e2undo", "e2fsck"], id="failed"),
        pytest.param({"resize2fs": -9, "e2undo": 1}, ["e2fsck", "resize2fs", "e2undo", "e2fsck"], id="killed"),
    ],
)
async def test_a_growth_that_fails_is_undone_before_the_check_and_its_undo_file_is_removed(
    statuses: dict[str, int], programs: list[str], tmp_path: Path
) -> None:
    growth = Growth(**statuses)
    await make(growth, tmp_path).grow_unmounted(disk(1), "id", undoable=True)
    assert (growth.programs, list((tmp_path / "growths").iterdir())) == (programs, [])


@pytest.mark.parametrize("said", ["e2undo: Memory allocation failed", "e2undo: Input/output error while writing"])
async def test_what_undoes_a_growth_is_kept_until_it_could_do_its_work(said: str, tmp_path: Path) -> None:
    growth = Growth(resize2fs=1, e2undo=1)
    growth.said = said
    for call in (make(growth, tmp_path).grow_unmounted(disk(1), "id", undoable=True), _undone(growth, tmp_path)):
        with pytest.raises(errors.OutcomeUnknown, match="could not be undone: e2undo ended with 1"):
            await call
    assert len(list((tmp_path / "growths").iterdir())) == 1
    assert await _undone(Growth(), tmp_path)
    assert list((tmp_path / "growths").iterdir()) == []


async def _undone(growth: Growth, folder: Path) -> bool:
    return await make(growth, folder).undo_growth(disk(1), "id")


async def test_what_an_encrypted_volume_overwrites_is_not_kept_in_plain_text(tmp_path: Path) -> None:
    growth = Growth(resize2fs=1)
    await make(growth, tmp_path).grow_unmounted(disk(1), "id", undoable=False)
    assert growth.programs == ["e2fsck", "resize2fs", "e2fsck"]
    assert "-z" not in growth.started[1]


async def test_an_undo_that_was_killed_is_done_again(tmp_path: Path) -> None:
    undo_file = tmp_path / "growths" / "id.e2undo"
    undo_file.parent.mkdir()
    undo_file.touch()
    with pytest.raises(errors.OutcomeUnknown):
        await make(Growth(e2undo=-9), tmp_path).undo_growth(disk(1), "id")
    assert undo_file.exists()
    again = make(Growth(), tmp_path)
    assert [await again.undo_growth(disk(1), "id") for _ in range(2)] == [True, False]


async def test_a_folder_that_cannot_be_written_keeps_the_file_system_as_large_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "growths").touch()
    growth = Growth()
    await make(growth, tmp_path).grow_unmounted(disk(1), "id", undoable=True)
    assert growth.programs == ["e2fsck", "e2fsck"]
