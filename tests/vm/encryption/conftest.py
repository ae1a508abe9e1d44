"""Guests in which the node service runs already, as each test of encryption finds it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest_asyncio

from localcloud.guests.guest import Guest
from localcloud.guests.machine import Machine
from tests.vm.conftest import PROCESSORS, MakeGuest
from tests.vm.encryption.calls import SETTINGS
from tests.vm.node import states


@pytest_asyncio.fixture
async def make_node(guest_image: Path, driver_image: Path, tmp_path: Path) -> AsyncIterator[MakeGuest]:
    """Make a guest whose node service ``serving`` calls: ``await make_node("a")``."""
    async with AsyncExitStack() as ending:

        async def make(name: str, machine: Machine | None = None) -> Guest:
            whole = replace(machine or Machine(), driver=driver_image, processors=PROCESSORS)
            return await ending.enter_async_context(states.restored(tmp_path / name, guest_image, whole, SETTINGS))

        yield make
