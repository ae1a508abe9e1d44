"""The startup taint goes when the driver is registered with its limit, and not before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client.registry import CollectorRegistry

from tests.unit.warden.cluster import DRIVER, Cluster
from warden.api import CSI_NODES, NODES
from warden.metrics import WardenMetrics
from warden.start_guard import StartGuard

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

KEY = f"{DRIVER}/agent-not-ready"


@asynccontextmanager
async def guarded() -> AsyncIterator[Cluster]:
    """Node n1 has joined with the startup taint and one of somebody else; the driver is not there yet."""
    made = Cluster()
    made.fill()
    taints = [{"key": KEY, "effect": "NoExecute"}, {"key": "other", "effect": "NoSchedule"}]
    made.api.change(NODES, "n1", [{"op": "add", "path": "/spec/taints", "value": taints}])
    made.api.remove(CSI_NODES, "n1")
    warden = made.warden()
    registry = CollectorRegistry()
    guard = StartGuard(DRIVER, warden.view, made.api, warden.lease, WardenMetrics(registry))
    await warden.start()
    warden.tasks.background(guard.run(), "start guard")
    await asyncio.sleep(30)
    assert registry.get_sample_value("aiocsi_start_taints") == 1
    yield made
    await warden.stop()


def register(cluster: Cluster, **more: object) -> None:
    drivers = [{"name": DRIVER, "nodeID": "101", **more}]
    cluster.api.put(CSI_NODES, {"metadata": {"name": "n1"}, "spec": {"drivers": drivers}})


async def test_a_node_without_the_driver_or_without_its_limit_keeps_the_taint() -> None:
    async with guarded() as cluster:
        assert cluster.taints("n1") == [KEY, "other"]
        register(cluster)
        await asyncio.sleep(600)
        assert cluster.taints("n1") == [KEY, "other"]


async def test_a_registered_node_loses_this_taint_alone() -> None:
    async with guarded() as cluster:
        register(cluster, allocatable={"count": 7})
        await asyncio.sleep(5)
        assert cluster.taints("n1") == ["other"]


async def test_it_never_gives_up() -> None:
    async with guarded() as cluster:
        cluster.api.refused.add("patch nodes")
        register(cluster, allocatable={"count": 7})
        await asyncio.sleep(3600)
        assert cluster.taints("n1") == [KEY, "other"]
        cluster.api.refused.clear()
        await asyncio.sleep(5)
        assert cluster.taints("n1") == ["other"]
