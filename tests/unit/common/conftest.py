"""A service that is called, and what its log tells."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import pytest_asyncio

from csi_proto.csi import v1 as csi
from tests.fakes.services import Deleting
from tests.unit.common.captured import Captured, captured
from tests.unit.common.serving import Served, serving
from tools.csi.client import Client

VOLUME = csi.DeleteVolumeRequest(volume_id="v-1")

REPLY = csi.DeleteVolumeResponse

DELETE = "csi.v1.Controller/DeleteVolume"


@pytest.fixture
def log() -> Iterator[Captured]:
    with captured() as capture:
        yield capture


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


@pytest_asyncio.fixture
async def client(served: Served) -> AsyncIterator[Client]:
    async with Client(served.socket) as client:
        yield client


def raises(error: Exception) -> Deleting:
    async def act(_message: csi.DeleteVolumeRequest) -> NoReturn:
        raise error

    return Deleting(act)
