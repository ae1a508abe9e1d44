"""A passphrase is replaced by the real cryptsetup, killed anywhere: the old or the new one opens the volume.

A header needs no device-mapper, so this runs wherever cryptsetup is.
"""

import shutil

import pytest

from common import errors
from node.encryption import passphrases
from node.host.command import Commands
from node.host.luks import Luks
from node.records.requests import Keys
from tests.integration.node.headers import BOTH, HEADER_BYTES, NEW, OLD, VOLUME, Disk

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(shutil.which("cryptsetup") is None, reason="needs cryptsetup-bin"),
]

STEPS = ("does the new one open", "does the old one open", "add the new one", "is it proven", "remove the old one")

MOST_SLOTS = 32  # of LUKS2

KILLS = 20  # of each step


async def test_the_new_passphrase_replaces_the_old_one_and_a_repeated_call_finds_it_done(disk: Disk) -> None:
    assert await disk.settle() == NEW
    assert disk.runs() == len(STEPS)
    assert (disk.opens(NEW), disk.opens(OLD)) == (True, False)
    assert await disk.settle() == NEW
    assert (disk.opens(NEW), disk.opens(OLD)) == (True, False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", range(1, len(STEPS) + 1), ids=STEPS)
async def test_killed_at_each_step_the_old_or_the_new_one_opens_and_the_next_call_finishes(
    disk: Disk, step: int
) -> None:
    killed = 0
    for attempt in range(KILLS):
        disk.restore()
        disk.kill(step, 0.001 + 0.004 * attempt)
        try:
            await disk.settle()
        except errors.DriverError:
            killed += 1
        disk.kill(0, 0)
        assert disk.opens(OLD) or disk.opens(NEW)
        assert await disk.settle() == NEW
        assert (disk.opens(NEW), disk.opens(OLD)) == (True, False)
    assert killed  # some kills came before the step had ended


async def test_without_a_free_key_slot_the_replacement_is_refused_with_a_way_out_and_the_old_passphrase_opens(
    disk: Disk,
) -> None:
    while disk.slots() < MOST_SLOTS:
        await disk.add(OLD, b"nobody's passphrase")
    with pytest.raises(errors.FailedPrecondition) as caught:
        await disk.settle()
    assert "luksKillSlot" in caught.value.remedy
    assert disk.opens(OLD)


async def test_neither_passphrase_opening_the_volume_is_a_refusal_that_changes_nothing(disk: Disk) -> None:
    with pytest.raises(errors.FailedPrecondition, match="does not open") as caught:
        await disk.settle(Keys(b"some other one", b"and another one"))
    assert "encryption-passphrase-old" in caught.value.remedy
    assert disk.file.read_bytes()[:HEADER_BYTES] == disk.pristine


async def test_the_same_passphrase_twice_is_no_reason_to_remove_it(disk: Disk) -> None:
    assert await disk.settle(Keys(OLD, OLD)) == OLD
    assert disk.opens(OLD)


async def test_whoever_only_reads_a_volume_leaves_its_passphrases_as_they_are(disk: Disk) -> None:
    luks = Luks(Commands(), 4, 60)
    with disk.device() as device:
        assert await passphrases.choose(luks, VOLUME, device, BOTH) == OLD
    assert disk.file.read_bytes()[:HEADER_BYTES] == disk.pristine
    await disk.add(OLD, NEW)
    with disk.device() as device:
        assert await passphrases.choose(luks, VOLUME, device, BOTH) == NEW
    assert disk.opens(OLD)
