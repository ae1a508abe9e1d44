"""Droplets with a node service that already runs: each test starts from the same saved state."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from localcloud.guests.machine import Machine
from tests.vm.conftest import PROCESSORS
from tests.vm.node import states
from tests.vm.node.droplet import Droplet
from tests.vm.node.volumes import GIB, Volume, new_name, volume_on


class MakeDroplet(Protocol):
    """Gives a droplet of that name; each name once a test, and never more than two."""

    async def __call__(self, name: str = "a", machine: Machine | None = None) -> Droplet: ...


class MakeVolume(Protocol):
    """Gives a volume that nobody has written to."""

    def __call__(self, kind: str = "ext4", *, name: str = "", size_bytes: int = GIB) -> Volume: ...


@pytest_asyncio.fixture
async def make_droplet(guest_image: Path, driver_image: Path, tmp_path: Path) -> AsyncIterator[MakeDroplet]:
    """Make droplets, and end them."""
    async with AsyncExitStack() as ending:

        async def make(name: str = "a", machine: Machine | None = None) -> Droplet:
            whole = replace(machine or Machine(), driver=driver_image, processors=PROCESSORS)
            guest = await ending.enter_async_context(states.restored(tmp_path / name, guest_image, whole))
            return await ending.enter_async_context(states.connected(guest))

        yield make


@pytest.fixture
def make_volume(tmp_path: Path) -> MakeVolume:
    """Make volumes: sparse files."""
    made: list[Volume] = []

    def make(kind: str = "ext4", *, name: str = "", size_bytes: int = GIB) -> Volume:
        file = tmp_path / f"volume-{len(made)}.img"
        with file.open("wb") as new:
            new.truncate(size_bytes)
        made.append(volume_on(file, name or new_name(), kind))
        return made[-1]

    return make
