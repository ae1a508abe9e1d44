"""The Identity service."""

import tomllib
from pathlib import Path

import pytest

from common import __version__
from common.identity import Identity, plugin_capabilities
from csi_proto.csi import v1 as csi

ROOT = Path(__file__).parents[3]
SERVICE, EXPANSION = csi.PluginCapabilityServiceType, csi.PluginCapabilityVolumeExpansionType


def test_the_version_is_the_one_that_is_packaged() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


@pytest.mark.asyncio
async def test_it_tells_name_and_version() -> None:
    info = await Identity("driver.example", [], lambda: True).get_plugin_info(csi.GetPluginInfoRequest())
    assert info == csi.GetPluginInfoResponse(name="driver.example", vendor_version=__version__)


@pytest.mark.asyncio
async def test_it_tells_each_kind_of_capability() -> None:
    identity = Identity("driver.example", [SERVICE.CONTROLLER_SERVICE, EXPANSION.ONLINE], lambda: True)
    answer = await identity.get_plugin_capabilities(csi.GetPluginCapabilitiesRequest())
    assert answer.capabilities == [
        csi.PluginCapability(service=csi.PluginCapabilityService(type=SERVICE.CONTROLLER_SERVICE)),
        csi.PluginCapability(volume_expansion=csi.PluginCapabilityVolumeExpansion(type=EXPANSION.ONLINE)),
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize("ready", [True, False])
async def test_probe_tells_whether_the_process_is_ready_at_this_moment(ready: bool) -> None:
    answer = await Identity("driver.example", [], lambda: ready).probe(csi.ProbeRequest())
    assert answer.ready is ready


def test_a_cloud_without_snapshots_offers_no_topology_of_snapshots() -> None:
    assert set(plugin_capabilities(snapshots=True)) - set(plugin_capabilities(snapshots=False)) == {
        SERVICE.SNAPSHOT_ACCESSIBILITY_CONSTRAINTS
    }
