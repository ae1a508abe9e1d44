"""Guests for the tests below: ``make_guest`` gives one that has just come up, with the driver in it.

Without QEMU, mmdebstrap or root everything here is skipped, and says what is missing. The first run on a machine makes
the images (two minutes) and a saved state (one boot); after that a guest is there in a second or two.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from localcloud.guests.guest import Guest
from localcloud.guests.machine import Machine
from tools.guest import driver, guests, root

PROCESSORS = int(os.environ.get("AIOCSI_TEST_PROCESSORS", "1"))
DISK_ERRORS = "commands with errors: "  # how the node blames a disk, before what a program made of it
TIMEOUT_SECONDS = 600  # a limit, not an expectation: everything is emulated


class MakeGuest(Protocol):
    """Gives a restored guest of that name; each name once a test."""

    async def __call__(self, name: str, machine: Machine | None = None) -> Guest: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def guest_image() -> Path:
    """The folder of the guest image."""
    if lacking := guests.missing():
        pytest.skip(lacking)
    return root.make()


@pytest.fixture(scope="session")
def driver_image(guest_image: Path) -> Path:
    """The image of this tree's driver."""
    return driver.make(guest_image)


@pytest_asyncio.fixture
async def make_guest(guest_image: Path, driver_image: Path, tmp_path: Path) -> AsyncIterator[MakeGuest]:
    """Make a guest: ``await make_guest("a")``, or with another machine: ``await make_guest("a", Machine(...))``."""
    async with AsyncExitStack() as ending:

        async def make(name: str, machine: Machine | None = None) -> Guest:
            whole = replace(machine or Machine(), driver=driver_image, processors=PROCESSORS)
            return await ending.enter_async_context(guests.restored(tmp_path / name, guest_image, whole))

        yield make


@pytest.fixture
def disk(tmp_path: Path) -> Callable[[str], Path]:
    """Make the sparse file of a volume of 1 GiB."""

    def make(name: str) -> Path:
        file = tmp_path / f"{name}.img"
        with file.open("wb") as made:
            made.truncate(1 << 30)
        return file

    return make
