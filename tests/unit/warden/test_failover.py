"""What the warden does about a node that is lost with its volumes."""

import asyncio

import pytest

from tests.unit.warden.cluster import DRIVER, KEY, PROVEN, Cluster
from warden.api import ATTACHMENTS, EVENTS, NODES
from warden.records import ServerState
from warden.rules.failover import Mode
from warden.rules.objects import text

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]


async def test_a_node_whose_server_is_off_is_tainted_and_told_of(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(60)
    assert cluster.taints("n1") == []
    await asyncio.sleep(PROVEN - 60)
    assert cluster.taints("n1") == [KEY]
    assert cluster.annotations("n1")[f"{DRIVER}/tainted-by"] == "aiocsi"
    assert sorted(cluster.events()) == [
        ("NodeTainted", "Node", "n1"),
        ("NodeTainted", "PersistentVolumeClaim", "claim-v1"),
        ("NodeTainted", "Pod", "pod-v1"),
    ]
    await warden.stop()


async def test_a_report_changes_nothing_but_names_the_command(cluster: Cluster) -> None:
    before = dict(cluster.api.of(NODES))
    warden = cluster.warden(Mode.REPORT)
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    assert cluster.api.of(NODES)["n2"] == before["n2"]
    assert cluster.taints("n1") == []
    assert {(reason, kind) for reason, kind, _ in cluster.events()} == {
        ("NodeOffWithVolumes", kind) for kind in ("Node", "PersistentVolumeClaim", "Pod")
    }
    message = text(next(iter(cluster.api.of(EVENTS).values())), "message")
    assert message == (
        "server 101 of node n1 is off, seen since 12:00 UTC; 1 volume cannot move. If it stays off: kubectl taint node "
        "n1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    )
    await warden.stop()


@pytest.mark.parametrize("state", [ServerState.ACTIVE, ServerState.UNTOLD])
async def test_without_proof_nothing_happens_however_long_a_node_is_not_ready(
    cluster: Cluster, state: ServerState
) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1", state)
    await asyncio.sleep(3600)
    assert (cluster.taints("n1"), cluster.events()) == ([], [])
    await warden.stop()


async def test_the_taint_goes_when_the_server_runs_and_the_node_is_ready(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    cluster.unready("n1", "t2", ready=True)
    await asyncio.sleep(120)
    assert cluster.taints("n1") == [KEY]  # the cloud says that it is off
    cluster.regain("n1")
    await asyncio.sleep(20)
    assert cluster.taints("n1") == []
    assert f"{DRIVER}/tainted-by" not in cluster.annotations("n1")
    assert ("NodeTaintRemoved", "Node", "n1") in cluster.events()
    await warden.stop()


async def test_the_taint_goes_also_when_all_volumes_have_left_the_node(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    cluster.api.remove(ATTACHMENTS, "va-v1")
    cluster.regain("n1")
    await asyncio.sleep(50)
    assert cluster.taints("n1") == [KEY]
    await asyncio.sleep(30)
    assert cluster.taints("n1") == []
    await warden.stop()


async def test_the_taint_of_another_stays(cluster: Cluster) -> None:
    taint = {"key": KEY, "value": "nodeshutdown", "effect": "NoExecute"}
    cluster.api.change(NODES, "n1", [{"op": "add", "path": "/spec/taints", "value": [taint]}])
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    cluster.regain("n1")
    await asyncio.sleep(600)
    assert cluster.taints("n1") == [KEY]
    await warden.stop()


async def test_a_taint_that_was_changed_by_another_stays_when_ours_is_forgotten(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    taint = {"key": KEY, "value": "repair", "effect": "NoSchedule"}
    cluster.api.change(NODES, "n1", [{"op": "add", "path": "/spec/taints", "value": [taint]}])
    cluster.regain("n1")
    await asyncio.sleep(60)
    assert cluster.taints("n1") == [KEY]
    assert f"{DRIVER}/tainted-by" not in cluster.annotations("n1")
    await warden.stop()


async def test_a_taint_that_an_operator_took_off_is_not_set_again(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    cluster.api.change(NODES, "n1", [{"op": "remove", "path": "/spec/taints/0"}])
    await asyncio.sleep(600)
    assert cluster.taints("n1") == []
    await warden.stop()


async def test_no_more_nodes_than_allowed_are_tainted_at_once(cluster: Cluster) -> None:
    for number in (5, 6, 7, 8, 9):
        cluster.attach(f"v{number}", "n1")
        cluster.api.put(NODES, {**cluster.api.of(NODES)["n4"], "metadata": {"name": f"n{number}", "annotations": {}}})
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    cluster.lose("n2")
    await asyncio.sleep(600)
    assert sorted(cluster.taints("n1") + cluster.taints("n2")) == [KEY]
    await warden.stop()


async def test_nothing_is_tainted_in_a_partition(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    cluster.unready("n2")
    await asyncio.sleep(600)
    assert cluster.taints("n1") == []
    messages = [text(one, "message") for one in cluster.api.of(EVENTS).values()]
    assert all("2 of 4 nodes are not ready" in message for message in messages)
    await warden.stop()


async def test_a_node_that_opted_out_is_told_of_and_not_tainted(cluster: Cluster) -> None:
    path = f"/metadata/annotations/{DRIVER}~1ignore-failover"
    cluster.api.change(NODES, "n1", [{"op": "add", "path": path, "value": ""}])
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(PROVEN)
    assert cluster.taints("n1") == []
    assert ("NodeOffWithVolumes", "Node", "n1") in cluster.events()
    await warden.stop()


async def test_a_node_that_changes_while_the_cluster_is_read_is_left_alone(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(50)
    cluster.api.deaf = True  # the watch is behind
    cluster.unready("n1", "t2", ready=True)
    await asyncio.sleep(600)
    assert cluster.taints("n1") == []
    await warden.stop()


async def test_a_patch_whose_answer_is_lost_is_not_made_twice(cluster: Cluster) -> None:
    warden = cluster.warden()
    await warden.start()
    cluster.lose("n1")
    await asyncio.sleep(70)
    calls = len(cluster.api.calls)
    cluster.api.latency = lambda: 0.0
    while "patch nodes" not in cluster.api.calls[calls:]:
        cluster.api.lose_reply = cluster.holder() == "w1" and "list nodes" in cluster.api.calls[calls:]
        await asyncio.sleep(0.5)
    await asyncio.sleep(300)
    assert cluster.taints("n1") == [KEY]
    assert cluster.api.calls.count("patch nodes") == 1
    await warden.stop()
