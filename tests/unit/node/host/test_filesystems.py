"""Formats and checks of other volumes delay none for long, whatever is on the disks."""

import asyncio
from collections.abc import Sequence

import pytest

from node.host.command import Commands, Ended
from node.host.devices import Device
from node.host.filesystems import Filesystems
from node.records.kernel import Facts
from node.records.requests import Filesystem

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

HOUR, MOMENT = 3600.0, 0.01
PARALLEL, ATTACHED = 4, 15


class Disks(Commands):
    """Programs take an hour on the disks whose descriptors are negative, and a moment on the others."""

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        assert (seconds, stdin, writes) == (110.0, b"", True)
        await asyncio.sleep(HOUR if files[0] < 0 else MOMENT)  # noqa: TID251  # virtual time
        return Ended(argv, 0, "", "")


def disk(number: int) -> Device:
    return Device("/dev/sdx", number, Facts("sdx", "8:1", 1 << 30))


@pytest.mark.parametrize("what", ["format", "check", "marked"])
@pytest.mark.parametrize("hostile", ["checks", "marked checks", "formats"])
async def test_programs_that_do_not_end_delay_another_volume_for_less_than_10_seconds(what: str, hostile: str) -> None:
    filesystems = Filesystems(Disks(), PARALLEL, 110.0)
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
    filesystems = Filesystems(Disks(), PARALLEL, 110.0)
    start = asyncio.get_running_loop().time()
    await asyncio.gather(*(filesystems.check("ext4", disk(1), "id", marked=False) for _ in range(ATTACHED)))
    assert asyncio.get_running_loop().time() - start == pytest.approx(MOMENT * -(-ATTACHED // PARALLEL))
