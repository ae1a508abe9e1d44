"""The server over a real Unix socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from common import metrics
from common.identity import Identity
from common.rpc import Calls
from common.server import Server
from csi_proto.csi import v1 as csi
from tests.harness.client import Client

CONTROLLER = csi.PluginCapabilityServiceType.CONTROLLER_SERVICE


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    path = tmp_path / "csi" / "csi.sock"
    server = Server([Identity("d.example", [CONTROLLER], lambda: True)], f"unix://{path}", Calls(metrics.Metrics()))
    await server.start()
    async with Client(path) as client:
        yield client
        await server.drain(1)
    assert not path.parent.is_dir() or not list(path.parent.iterdir())


@pytest.mark.asyncio
async def test_identity_is_served(client: Client) -> None:
    info = await client.call(csi.GetPluginInfoRequest(), csi.GetPluginInfoResponse)
    assert info.name == "d.example"
    assert (await client.call(csi.ProbeRequest(), csi.ProbeResponse)).ready
    capabilities = (
        await client.call(csi.GetPluginCapabilitiesRequest(), csi.GetPluginCapabilitiesResponse)
    ).capabilities
    assert [each.service.type for each in capabilities if each.service] == [CONTROLLER]
