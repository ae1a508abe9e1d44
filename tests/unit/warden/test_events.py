"""What is told, and how often."""

import asyncio

import pytest

from tests.unit.warden.cluster import Cluster
from warden.api import EVENTS, NODES
from warden.events import Reason, Recorder
from warden.records import Reference
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


async def test_words_of_any_bytes_and_any_length_make_an_event(cluster: Cluster) -> None:
    recorder = Recorder(cluster.api, "w1", cluster.warden().metrics)
    words = "\x1b[2J\udc80" + 1000 * "\u00e9"
    assert await recorder.tell(Reference("v1", "Node", "", "n1", "uid-n1"), Reason.NODE_OFF, words)
    (event,) = cluster.api.of(EVENTS).values()
    assert str(event["message"]).startswith("\\x1b[2J\\x80\u00e9")
    assert len(str(event["message"]).encode()) <= 1024


async def test_a_node_that_the_watch_does_not_show_yet_is_not_told_of_as_deleted(cluster: Cluster) -> None:
    warden = cluster.warden(Mode.REPORT)
    cluster.attach("v9", "n9")
    cluster.api.refused |= {"get nodes"}
    await warden.start()
    await asyncio.sleep(60)
    assert cluster.events() == [], "nobody can tell"
    cluster.api.refused.clear()
    cluster.api.of(NODES)["n9"] = {"metadata": {"name": "n9"}}  # no watch tells
    await asyncio.sleep(60)
    assert cluster.events() == []
    del cluster.api.of(NODES)["n9"]
    await asyncio.sleep(60)
    assert cluster.events() == [("NodeGoneWithVolumes", "PersistentVolumeClaim", "claim-v9")]
    await warden.stop()


async def test_a_name_that_is_cut_ends_as_kubernetes_wants(cluster: Cluster) -> None:
    recorder = Recorder(cluster.api, "w1", cluster.warden().metrics)
    name = f"{199 * 'a'}-{9 * 'b'}"
    assert await recorder.tell(Reference("v1", "Node", "", name, "uid"), Reason.NODE_OFF, "words")
    (event,) = cluster.api.of(EVENTS)
    assert event.startswith(f"default/{199 * 'a'}.")
