"""What is told, and how often."""

import asyncio

import pytest

from tests.unit.warden.cluster import Cluster
from warden.api import EVENTS, NODES
from warden.rules.failover import Mode

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_finding_is_told_once_in_half_an_hour(cluster: Cluster) -> None:
    warden = cluster.warden(Mode.REPORT)
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(1700)
    assert all(one["count"] == 1 for one in cluster.api.of(EVENTS).values())
    await asyncio.sleep(300)
    assert all(one["count"] == 2 for one in cluster.api.of(EVENTS).values())
    await warden.stop()


async def test_a_volume_of_a_node_that_was_deleted_is_told_of_once(cluster: Cluster) -> None:
    warden = cluster.warden(Mode.REPORT)
    await warden.start()
    await asyncio.sleep(10)
    cluster.api.remove(NODES, "n1")
    await asyncio.sleep(60)
    assert cluster.events() == [("NodeGoneWithVolumes", "PersistentVolumeClaim", "claim-v1")]
    await warden.stop()
