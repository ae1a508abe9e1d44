"""A passphrase is replaced by the real cryptsetup, killed anywhere: the old or the new one opens the volume.

A header needs no device-mapper, so this runs wherever cryptsetup is.
"""

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import pytest
import pytest_asyncio

from common import encryption, errors
from node.encryption import passphrases
from node.encryption.encrypted_content import Payload
from node.formats import luks_header
from node.host.command import Commands
from node.host.devices import Device
from node.host.luks import Luks
from node.records.kernel import Facts
from node.records.requests import Keys, VolumeSpec
from tests.harness.luks import opens
from tests.integration.node.conftest import Bench
from tools.processes.run import run

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(shutil.which("cryptsetup") is None, reason="needs cryptsetup-bin"),
]

ASKED = encryption.parse({"encryption": "luks2", "encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1000"})
VOLUME = VolumeSpec("9f1c2d3e-0a1b-4c5d-8e7f-001122334455", "pvc-1", encryption=ASKED)
OLD, NEW = b"the passphrase before", b"the passphrase after"
BOTH = Keys(NEW, OLD)
HEADER_BYTES = 16 << 20
STEPS = ("does the new one open", "does the old one open", "add the new one", "is it proven", "remove the old one")
MOST_SLOTS = 32  # of LUKS2
KILLS = 20  # of each step

KILLER = """#!/bin/sh
echo x >> {log}
if [ "$(wc -l < {log})" = "$(cat {at})" ]; then exec timeout -s KILL "$(cat {seconds})" {program} "$@"; fi
exec {program} "$@"
"""


class KeySlot(TypedDict):
    """What a header says of a key slot: where it lies, and how its key is derived from a passphrase."""

    area: dict[str, str]
    kdf: dict[str, str | int]


@dataclass(frozen=True)
class Disk:
    """A file with a header, and a cryptsetup that can be killed."""

    file: Path
    folder: Path
    pristine: bytes

    def restore(self) -> None:
        """Write the header as it was, with the old passphrase alone."""
        with self.file.open("r+b") as file:
            file.write(self.pristine)

    def kill(self, step: int, seconds: float) -> None:
        """Let the ``step``-th cryptsetup from now on be killed when it has run for so long; 0: none."""
        (self.folder / "log").write_text("")
        (self.folder / "at").write_text(str(step))
        (self.folder / "seconds").write_text(f"{seconds:.4f}")

    def runs(self) -> int:
        """Return how many have run since."""
        return len((self.folder / "log").read_text().splitlines())

    async def settle(self, keys: Keys = BOTH) -> bytes:
        """Settle on a passphrase, with a node that has just started."""
        assert ASKED is not None
        with self.device() as device:
            return await passphrases.settle(Luks(Commands(), 4, 60), VOLUME, ASKED, device, keys)

    async def add(self, old: bytes, new: bytes) -> None:
        """Take the first half of a replacement."""
        assert ASKED is not None
        with self.device() as device:
            await Luks(Commands(), 4, 60).add_key(VOLUME.id, ASKED, device, old, new)

    def wipe_key_of(self, passphrase: bytes) -> None:
        """Destroy the key of a passphrase, and leave its slot listed, as a kill inside of luksRemoveKey does."""
        found = run(
            "cryptsetup", "open", "--test-passphrase", "-v", "--key-file", "-", str(self.file), stdin=passphrase
        )
        area = self.keyslots()[found.split("Key slot ")[1].split()[0]]["area"]
        with self.file.open("r+b") as file:
            file.seek(int(area["offset"]))
            file.write(os.urandom(int(area["size"])))

    def keyslots(self) -> dict[str, KeySlot]:
        """Return what the header says of each key slot, by its number."""
        metadata = json.loads(run("cryptsetup", "luksDump", "--dump-json-metadata", str(self.file)))
        return cast("dict[str, KeySlot]", metadata["keyslots"])

    def slots(self) -> int:
        """Return how many key slots are listed."""
        header = luks_header.parse(self.file.read_bytes()[: luks_header.HEAD_BYTES])
        assert header is not None
        return len(header.slots)

    def opens(self, passphrase: bytes) -> bool:
        """Ask the real cryptsetup."""
        return opens(self.file, passphrase)

    @contextmanager
    def device(self) -> Iterator[Device]:
        """Hold it as the node does."""
        descriptor = os.open(self.file, os.O_RDONLY)
        try:
            yield Device(str(self.file), descriptor, Facts("sda", "8:0", 32 << 20))
        finally:
            os.close(descriptor)


@pytest_asyncio.fixture
async def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk with the old passphrase."""
    assert ASKED is not None
    file = tmp_path / "disk"
    with file.open("wb") as made:
        made.truncate(2 * HEADER_BYTES)
    disk = Disk(file, tmp_path, b"")
    with disk.device() as device:
        await Luks(Commands(), 4, 60).make(VOLUME.id, ASKED, device, OLD)
    program = tmp_path / "bin/cryptsetup"
    program.parent.mkdir()
    paths = {name: tmp_path / name for name in ("log", "at", "seconds")}
    program.write_text(KILLER.format(program=shutil.which("cryptsetup"), **paths))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    made_disk = Disk(file, tmp_path, file.read_bytes()[:HEADER_BYTES])
    made_disk.kill(0, 0)
    return made_disk


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


@pytest.mark.parametrize("may_write", [False, True])
async def test_a_reader_does_not_mark_new_content_as_in_use(bench: Bench, disk: Disk, *, may_write: bool) -> None:
    with disk.device() as device:
        await Payload(bench.host, device, is_new=True, may_write=may_write).hand_out(VOLUME, device)
    assert (disk.file.read_bytes()[:HEADER_BYTES] != disk.pristine) == may_write
