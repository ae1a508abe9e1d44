"""What the node costs on a droplet: cycles of a 10 GiB ext4 volume on a SCSI disk, in a virtual machine. Needs root.

Against: the programs alone (mkfs, mount, blkid, …), which any driver has to run. The machine is emulated, so the times
say nothing; their ratios do. ``python -m benchmarks.guest_cycle [--cycles N]`` prints, plain and encrypted (with the
fewest rounds that a key may be derived in), for the first cycle, which formats, and for the median of the later ones:
the programs; the whole time and our own processor time, both as multiples of what the programs alone took.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from localcloud.guests.drives import Drive
from localcloud.guests.guest import Guest
from localcloud.guests.machine import Machine
from tools.guest import driver, guests, root

PLAIN: dict[str, str] = {}
ENCRYPTED = {"encryption": "luks2", "encryptionPbkdf": "pbkdf2", "encryptionPbkdfIterations": "1000"}
CLASSES = {"plain": PLAIN, "encrypted": ENCRYPTED}
SIZE_BYTES = 10 << 30
INSIDE = Path(__file__).with_name("inside_guest.py")
AT = "/run/inside_guest.py"
SECONDS = 1200.0


class Cycle(BaseModel, frozen=True):
    """What the guest tells of one cycle, seconds but for the programs."""

    programs: list[str]
    in_programs: float
    wall: float
    own: float
    others: float


async def measure(folder: Path, cycles: int) -> dict[str, list[Cycle]]:
    """Run the cycles of each class in one guest, one class after the other."""
    image = root.make()
    async with guests.restored(folder / "guest", image, Machine(driver=driver.make(image))) as guest:
        await guest.agent.write(AT, INSIDE.read_bytes())
        return {name: await _cycles(guest, folder / name, cycles, given) for name, given in CLASSES.items()}


async def _cycles(guest: Guest, disk: Path, cycles: int, given: dict[str, str]) -> list[Cycle]:
    with disk.open("wb") as made:
        made.truncate(SIZE_BYTES)
    await guest.drives.attach(Drive(disk.name, disk))
    said = await guest.agent.output("python3", AT, disk.name, str(cycles), json.dumps(given), seconds=SECONDS)
    await guest.drives.detach(disk.name)
    return [Cycle.model_validate_json(line) for line in said.splitlines()]


def report(name: str, cycles: Sequence[Cycle]) -> None:
    """Print the medians of one kind of cycle."""
    print(f"{name}: {len(cycles[0].programs)} programs ({' '.join(cycles[0].programs)})")
    whole = statistics.median(each.wall / each.in_programs for each in cycles)
    own = statistics.median(each.own / each.others for each in cycles)
    print(f"  the whole cycle takes {whole:.2f} times as long as its programs alone")
    print(f"  our own processor time is {own:.2f} times that of the programs")


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 measured, 1 the machine lacks something."""
    parser = argparse.ArgumentParser(prog="guest_cycle", description=__doc__)
    parser.add_argument("--cycles", type=int, default=10)
    options = parser.parse_args(argv)
    if missing := guests.missing():
        print(missing)
        return 1
    with tempfile.TemporaryDirectory(prefix="guest-cycle-") as name:
        measured = asyncio.run(measure(Path(name), options.cycles))
    for kind, (fresh, *known) in measured.items():
        report(f"{kind}, fresh", [fresh])
        report(f"{kind}, known", known)
    return 0


if __name__ == "__main__":
    sys.exit(main())
