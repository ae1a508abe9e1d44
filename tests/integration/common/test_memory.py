"""The node is on every host, so it stays small; the controller is alone, and may be larger."""

from pathlib import Path

import pytest

from tests.harness import memory

pytestmark = [pytest.mark.every_python, pytest.mark.asyncio]

UNWANTED = {"pydantic", "aiohttp", "ssl", "_ssl", "_hashlib", "google.protobuf", "http.server", "rich", "lightkube"}


async def test_an_idle_node_takes_36_mib_and_loads_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    node = await memory.idle_node(tmp_path)
    assert node.resident_mib <= 36
    assert not node.loaded & UNWANTED


async def test_an_idle_controller_takes_64_mib(tmp_path: Path) -> None:
    controller = await memory.idle_controller(tmp_path)
    assert controller.resident_mib <= 64
    assert {"aiohttp", "pydantic"} <= controller.loaded
