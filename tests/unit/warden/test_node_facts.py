"""The node services' pods, and what the warden writes on them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from tests.unit.warden.cluster import DRIVER, Cluster, Warden
from warden.api import ATTACHMENTS, NODES, PODS
from warden.node_facts import NodeFacts
from warden.rules.node_facts import FactsPolicy
from warden.rules.objects import at

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

TOLD = FactsPolicy(DRIVER, drain=True, max_volumes=True)
CORDON = [{"op": "add", "path": "/spec/unschedulable", "value": True}]
UNCORDON = [{"op": "remove", "path": "/spec/unschedulable"}]
GOES = [{"op": "add", "path": "/metadata/deletionTimestamp", "value": "now"}]
SERVICE = "kube-system/aiocsi-node-n1"


def service(cluster: Cluster, node: str) -> None:
    """Run the node service on a node."""
    labels = {"aiocsi.dev/driver": DRIVER, "app.kubernetes.io/component": "node-big"}
    metadata = {"namespace": "kube-system", "name": f"aiocsi-node-{node}", "labels": labels}
    cluster.api.put(PODS, {"metadata": metadata, "spec": {"nodeName": node}})


def told(cluster: Cluster) -> Mapping[str, object]:
    """Return the annotations of the node service's pod on n1."""
    metadata = cluster.api.of(PODS)[SERVICE]["metadata"]
    assert isinstance(metadata, dict)
    found: Mapping[str, object] = metadata.get("annotations", {})
    return found


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Cluster, Warden]]:
    cluster = Cluster()
    cluster.fill()
    for node in ("n1", "n2"):
        service(cluster, node)
    warden = cluster.warden(namespace="kube-system")
    facts = NodeFacts(TOLD, warden.view, cluster.api, warden.lease, warden.metrics)
    await warden.start()
    warden.tasks.background(facts.run(), "node facts")
    await asyncio.sleep(30)
    yield cluster, warden
    await warden.stop()


async def test_a_node_service_is_told_of_a_drain_once_its_pods_go_and_until_it_is_over() -> None:
    async with watched() as (cluster, warden):
        cluster.api.change(NODES, "n1", CORDON)
        await asyncio.sleep(60)
        assert told(cluster) == {}, "its pod stays: a rollout must not wait"
        cluster.api.change(PODS, "apps/pod-v1", GOES)
        await asyncio.sleep(2.5)
        assert told(cluster) == {TOLD.draining: "cordoned"}
        assert warden.registry.get_sample_value("aiocsi_nodes_draining") == 1
        cluster.api.change(NODES, "n1", UNCORDON)
        await asyncio.sleep(2.5)
        assert told(cluster) == {}


async def test_beside_a_pod_that_has_ended_the_one_that_runs_is_told() -> None:
    async with watched() as (cluster, _):
        labels = at(cluster.api.of(PODS)[SERVICE], "metadata", "labels")
        metadata = {"namespace": "kube-system", "name": "of-before", "labels": labels}
        cluster.api.put(PODS, {"metadata": metadata, "spec": {"nodeName": "n1"}, "status": {"phase": "Failed"}})
        cluster.api.change(PODS, "apps/pod-v1", GOES)
        cluster.api.change(NODES, "n1", CORDON)
        await asyncio.sleep(5)
        assert told(cluster) == {TOLD.draining: "cordoned"}


async def test_the_last_word_stays_when_the_volumes_or_the_node_object_have_gone() -> None:
    async with watched() as (cluster, _):
        cluster.api.change(NODES, "n1", CORDON)
        cluster.api.remove(PODS, "apps/pod-v1")
        await asyncio.sleep(2.5)
        cluster.api.remove(ATTACHMENTS, "va-v1")
        await asyncio.sleep(60)
        assert told(cluster) == {TOLD.draining: "cordoned"}
        cluster.api.remove(NODES, "n1")
        await asyncio.sleep(60)
        assert told(cluster) == {TOLD.draining: "cordoned"}


async def test_how_many_volumes_a_node_may_take_is_told_and_told_again_to_a_new_pod() -> None:
    async with watched() as (cluster, _):
        most = [{"op": "add", "path": f"/metadata/annotations/{TOLD.most.replace('/', '~1')}", "value": "7"}]
        cluster.api.change(NODES, "n1", most)
        await asyncio.sleep(2.5)
        assert told(cluster) == {TOLD.most: "7"}
        cluster.api.remove(PODS, SERVICE)
        service(cluster, "n1")
        await asyncio.sleep(2.5)
        assert told(cluster) == {TOLD.most: "7"}


async def test_a_long_cordon_costs_little() -> None:
    async with watched() as (cluster, _):
        cluster.api.change(NODES, "n1", CORDON)
        await asyncio.sleep(3600)
        cluster.api.calls.clear()
        await asyncio.sleep(600)
        assert cluster.api.calls.count("list pods") <= 2 * 600 / 30  # two pages of this server each
