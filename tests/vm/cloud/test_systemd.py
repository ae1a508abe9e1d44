"""A droplet boots with systemd as process 1, as a real one does; the other guests take a shorter way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.guests.drives import Drive
from localcloud.guests.guest import Guest
from localcloud.guests.machine import Image, Machine


@pytest.mark.asyncio
async def test_a_guest_whose_process_1_is_systemd_sees_its_volume(
    guest_image: Path, disk: Callable[[str], Path], tmp_path: Path
) -> None:
    async with Guest(tmp_path / "guest", Image(guest_image), Machine(systemd=True, processors=2)) as guest:
        await guest.boot()
        assert await guest.agent.output("cat", "/proc/1/comm") == "systemd\n"
        await guest.drives.attach(Drive("data", disk("data")))
        await guest.agent.shell("udevadm wait --timeout=120 /dev/disk/by-id/scsi-0DO_Volume_data", seconds=150)
