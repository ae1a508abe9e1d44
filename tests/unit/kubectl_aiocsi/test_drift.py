"""Where cluster and cloud disagree."""

import pytest

from common.drift_records import DriftKind
from kubectl_aiocsi.records import Json, Object
from tests.unit.kubectl_aiocsi.api_server import NOW, ApiServer
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.drifted import DRIFTS, LEFT, compared, released
from tests.unit.kubectl_aiocsi.world import ago, cloud_has, healthy, metadata


async def kinds(server: ApiServer) -> list[str]:
    answer = await ask(server, "drift", "-o", "json")
    found = [each.text("kind") for each in answer.json.each("drift")]
    assert answer.status == (1 if found else 0)
    assert all(each.text("remove") and each.text("said") for each in answer.json.each("drift"))
    return found


@pytest.mark.asyncio
async def test_a_cluster_that_is_as_the_cloud_has_no_drift() -> None:
    server = healthy()
    cloud_has(server)
    assert await kinds(server) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", DRIFTS)
async def test_each_kind_of_drift_is_told_as_such_and_as_nothing_else(kind: str) -> None:
    server = healthy()
    compared(DRIFTS[kind])(server)
    assert await kinds(server) == [kind]


def test_every_kind_of_drift_is_tried_but_those_of_snapshots_which_the_warden_tells() -> None:
    assert {kind for kind in DriftKind if "snapshot" not in kind} == DRIFTS.keys()


@pytest.mark.asyncio
@pytest.mark.parametrize("change", [{"tags": ["of-somebody-else"]}, {"created_at": NOW.timestamp()}])
async def test_a_volume_of_others_or_a_new_one_is_not_called_left_over(change: Json) -> None:
    server = healthy()
    cloud_has(server, {**LEFT, **change})
    assert await kinds(server) == []


@pytest.mark.asyncio
async def test_a_volume_that_another_driver_s_object_names_is_not_called_left_over() -> None:
    server = healthy()
    cloud_has(server, LEFT)
    spec: Json = {"csi": {"driver": "other.example.com", "volumeHandle": LEFT["id"]}}
    server.add("persistentvolumes", {"metadata": {"name": "theirs"}, "spec": spec})
    assert await kinds(server) == []


@pytest.mark.asyncio
async def test_a_volume_that_was_just_made_is_not_missed_yet() -> None:
    server = healthy()
    cloud_has(server, drop=True)
    volume = server.get("persistentvolumes", "pv-orders")
    volume["metadata"] = {**metadata(Object(volume)), "creationTimestamp": ago(1)}
    assert await kinds(server) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param('{"age_seconds": null, "volumes": null}', "no controller has read all volumes yet", id="not read"),
        pytest.param('{"age_seconds": 7200, "volumes": []}', "is 7200 s old", id="old"),
        pytest.param("<html>", "no controller has read all volumes yet", id="no JSON"),
        pytest.param('{"age_seconds": 1, "volumes": [{"id": "v"}]}', "cannot be read", id="odd volume"),
    ],
)
async def test_without_the_cloud_s_volumes_there_is_no_verdict_on_them(told: str, why: str) -> None:
    server = healthy()
    cloud_has(server)
    released(server)
    for path in [path for path in server.texts if "/volumes/" in path]:
        server.texts[path] = (200, told)
    answer = await ask(server, "drift", "-o", "json")
    assert why in answer.json.text("problem")
    assert [each.text("kind") for each in answer.json.each("drift")] == ["released-pv"]


@pytest.mark.asyncio
async def test_what_cannot_be_compared_is_named() -> None:
    server = healthy()
    server.forbidden.add("volumeattachments")
    answer = await ask(server, "drift")
    assert answer.status == 3
    assert "not compared: volumeattachments: forbidden" in answer.text
    assert "could not find" in answer.text
    server.drop("pods")
    assert "no pod of the controller was found" in (await ask(server, "drift")).text


@pytest.mark.asyncio
async def test_without_the_cluster_s_volumes_nothing_is_called_left_over() -> None:
    server = healthy()
    cloud_has(server, LEFT)
    server.forbidden.add("persistentvolumes")
    answer = await ask(server, "drift", "-o", "json")
    assert (answer.status, [*answer.json.each("drift")]) == (3, [])
