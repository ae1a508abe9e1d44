"""The node is on every host, so it stays small; the controller is alone, and may be larger."""

from pathlib import Path

import pytest

from tools.processes import memory

pytestmark = [pytest.mark.every_python, pytest.mark.asyncio]

UNWANTED = {"pydantic", "aiohttp", "ssl", "_ssl", "_hashlib", "google.protobuf", "http.server", "rich", "lightkube"}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose path is short, as those of sockets have to be."""
    return tmp_path_factory.mktemp("own")


async def test_an_idle_node_takes_36_mib_and_loads_no_library_that_it_does_not_need(folder: Path) -> None:
    node = await memory.idle_node(folder)
    assert node.resident_mib <= 36
    assert not node.loaded & UNWANTED


async def test_an_idle_controller_takes_64_mib(folder: Path) -> None:
    controller = await memory.idle_controller(folder)
    assert controller.resident_mib <= 64
    assert {"aiohttp", "pydantic"} <= controller.loaded
