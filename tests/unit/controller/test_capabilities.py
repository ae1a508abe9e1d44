"""What is offered is what is there, on each cloud."""

import pytest

from csi_proto.csi import v1 as csi
from tests.fakes.cloud import FakeCloud
from tests.fakes.other_cloud import OtherCloud
from tests.unit.controller.world import World

OF_SNAPSHOTS = {"CREATE_DELETE_SNAPSHOT", "LIST_SNAPSHOTS", "GET_SNAPSHOT", "CLONE_VOLUME"}
OF_VOLUMES = {
    *("CREATE_DELETE_VOLUME", "PUBLISH_UNPUBLISH_VOLUME", "LIST_VOLUMES", "LIST_VOLUMES_PUBLISHED_NODES"),
    *("GET_CAPACITY", "EXPAND_VOLUME", "GET_VOLUME", "SINGLE_NODE_MULTI_WRITER", "MODIFY_VOLUME"),
    *("GET_VOLUME_HEALTH", "LIST_VOLUME_HEALTH"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("cloud", "offered"), [(FakeCloud, OF_VOLUMES | OF_SNAPSHOTS), (OtherCloud, OF_VOLUMES)])
async def test_snapshots_are_offered_where_the_cloud_has_them(cloud: type[FakeCloud], offered: set[str]) -> None:
    told = await World(cloud()).service.controller_get_capabilities(csi.ControllerGetCapabilitiesRequest())
    assert {each.rpc.type.name for each in told.capabilities if each.rpc} == offered
