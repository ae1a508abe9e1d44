"""What the warden sees of the cluster."""

import asyncio

import pytest

from tests.unit.warden.cluster import KEY, PROVEN, Cluster
from warden.api import ATTACHMENTS

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_node_without_our_volumes_is_not_looked_at(cluster: Cluster) -> None:
    cluster.api.remove(ATTACHMENTS, "va-v1")
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    assert (cluster.servers.asked, cluster.events()) == ([], [])
    await warden.stop()


async def test_an_api_server_that_was_away_is_found_again_and_the_time_counts_from_what_was_seen(
    cluster: Cluster,
) -> None:
    warden = cluster.warden()
    await warden.start()
    await asyncio.sleep(5)
    cluster.api.away = True
    cluster.api.end_watches()
    cluster.lose("n1")
    await asyncio.sleep(120)
    assert not warden.view.is_current()
    cluster.api.away = False
    await asyncio.sleep(50)
    assert (warden.view.is_current(), cluster.taints("n1")) == (True, [])
    await asyncio.sleep(PROVEN)
    assert cluster.taints("n1") == [KEY]
    await warden.stop()
