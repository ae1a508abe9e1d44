"""The guests of a cloud that was killed: ``python -m tests.unit.localcloud.disks.earlier STATE DROPLET=VOLUME ...``."""

import asyncio
import os
import sys
from pathlib import Path

from localcloud.disks.base import Disk
from localcloud.disks.guests import GuestDisks
from localcloud.guests.machine import Image


async def live(state: Path, places: dict[int, str]) -> None:
    """Start a guest for each droplet, with a new volume in it, and die."""
    cloud = GuestDisks(state, Image(state), None, 64)
    for volume in places.values():
        await cloud.create(volume, 1, None)
    disks = [Disk(volume, f"pvc-{volume}", 1, droplet) for droplet, volume in places.items()]
    await cloud.reconcile(disks, [], dict.fromkeys(places, True))
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), {int(word[0]): word[2:] for word in sys.argv[2:]}))
