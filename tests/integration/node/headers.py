"""Headers of encrypted volumes, and the real cryptsetup."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from common import encryption
from node.encryption import passphrases
from node.formats import luks_header
from node.host.command import Commands
from node.host.devices import Device
from node.host.luks import Luks
from node.records.kernel import Facts
from node.records.requests import Keys, VolumeSpec
from tests.harness.luks import opens
from tools.processes.run import run

ASKED = encryption.parse({"encryption": "luks2", "encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1000"})

VOLUME = VolumeSpec("9f1c2d3e-0a1b-4c5d-8e7f-001122334455", "pvc-1", encryption=ASKED)

OLD, NEW = b"the passphrase before", b"the passphrase after"

BOTH = Keys(NEW, OLD)

HEADER_BYTES = 16 << 20

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


async def encrypted(folder: Path) -> Disk:
    """Make a disk with the old passphrase, and a cryptsetup in ``folder/bin`` that can be killed."""
    assert ASKED is not None
    file = folder / "disk"
    with file.open("wb") as made:
        made.truncate(2 * HEADER_BYTES)
    disk = Disk(file, folder, b"")
    with disk.device() as device:
        await Luks(Commands(), 4, 60).make(VOLUME.id, ASKED, device, OLD)
    program = folder / "bin/cryptsetup"
    program.parent.mkdir()
    paths = {name: folder / name for name in ("log", "at", "seconds")}
    program.write_text(KILLER.format(program=shutil.which("cryptsetup"), **paths))
    program.chmod(0o755)
    made_disk = Disk(file, folder, file.read_bytes()[:HEADER_BYTES])
    made_disk.kill(0, 0)
    return made_disk
