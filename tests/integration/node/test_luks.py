"""What the real cryptsetup makes of a header."""

import itertools
import shutil

import pytest

from common import encryption
from node.host.command import Commands
from node.host.luks import Luks
from node.records.requests import Keys
from tests.integration.node.headers import NEW, OLD, VOLUME, Disk

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(shutil.which("cryptsetup") is None, reason="needs cryptsetup-bin"),
]


async def test_each_passphrase_of_a_class_that_says_only_luks2_has_argon2id_at_its_usual_cost(disk: Disk) -> None:
    usual = encryption.parse({"encryption": "luks2"})
    assert usual is not None
    with disk.device() as device:
        await Luks(Commands(), 4, 60).make(VOLUME.id, usual, device, OLD)
        await Luks(Commands(), 4, 60).add_key(VOLUME.id, usual, device, OLD, NEW)
    derivations = [slot["kdf"] for slot in disk.keyslots().values()]
    costs = [(each["type"], each["memory"], each["time"]) for each in derivations]
    assert costs == [("argon2id", 65536, 4)] * 2
    assert (disk.opens(NEW), disk.opens(OLD)) == (True, True)


async def test_a_key_slot_that_died_with_its_removal_stays_and_hinders_no_later_replacement(
    disk: Disk,
) -> None:
    passphrases = [OLD, NEW, b"and the one after", b"and the last one"]
    for number, (old, new) in enumerate(itertools.pairwise(passphrases)):
        await disk.add(old, new)
        disk.wipe_key_of(old)  # what a kill inside of it leaves: the key is destroyed, its slot is still listed
        for _ in range(2):
            assert await disk.settle(Keys(new, old)) == new
        assert (disk.opens(new), disk.opens(old), disk.slots()) == (True, False, number + 2)
    assert await disk.settle(Keys(b"one more", passphrases[-1])) == b"one more"
    assert disk.slots() == len(passphrases)
