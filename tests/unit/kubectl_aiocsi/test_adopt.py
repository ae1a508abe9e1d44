"""The PersistentVolume for a volume that only the cloud has."""

import json

import pytest
import yaml

from kubectl_aiocsi.records import Json, Object
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.drifted import LEFT, left_volume
from tests.unit.kubectl_aiocsi.world import cloud_has, healthy


@pytest.mark.asyncio
@pytest.mark.parametrize("word", ["left", "pvc-left"])
async def test_a_volume_that_is_adopted_is_kept_and_never_formatted(word: str) -> None:
    server = healthy()
    left_volume(server)
    answer = await ask(server, "adopt", word)
    made = Object(yaml.safe_load(answer.text))
    assert (made.text("apiVersion"), made.text("kind")) == ("v1", "PersistentVolume")
    assert (made.name, answer.status) == ("pvc-left", 0)
    assert made.text("spec", "csi", "volumeHandle") == "left"
    assert made.at("spec", "csi", "volumeAttributes") == {"dobs.csi.digitalocean.com/noformat": "true"}
    assert made.text("spec", "persistentVolumeReclaimPolicy") == "Retain"
    assert made.text("spec", "storageClassName") == "do-block-storage-retain"
    assert made.text("spec", "capacity", "storage") == "10Gi"
    here = {"key": "region", "operator": "In", "values": ["nyc1"]}
    assert made.at("spec", "nodeAffinity", "required") == {"nodeSelectorTerms": [{"matchExpressions": [here]}]}
    assert json.loads((await ask(server, "adopt", word, "-o", "json")).text) == made.json


@pytest.mark.asyncio
async def test_without_a_class_that_keeps_any_class_of_the_driver_is_named_and_none_of_another() -> None:
    server = healthy()
    left_volume(server)
    server.drop("storageclasses", "do-block-storage-retain", "do-block-storage-xfs-retain")
    assert "storageClassName: do-block-storage\n" in (await ask(server, "adopt", "left")).text
    server.drop("storageclasses")
    assert "storageClassName: ''\n" in (await ask(server, "adopt", "left")).text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("word", "change", "why"),
    [
        ("nobody", {}, "the cloud has no volume nobody"),
        ("1cdb2c84-0000-4000-8000-000000000001", {}, "PersistentVolume pv-orders has it already"),
        ("left", {"node_ids": ["7"]}, "attached to droplet 7"),
        ("left", {"name": "pv-orders"}, "there is a PersistentVolume pv-orders of another volume"),
    ],
)
async def test_a_volume_whose_adoption_would_do_harm_is_refused(word: str, change: Json, why: str) -> None:
    server = healthy()
    cloud_has(server, {**LEFT, **change})
    answer = await ask(server, "adopt", word)
    assert (answer.status, answer.text) == (1, "")
    assert why in answer.errors


@pytest.mark.asyncio
async def test_nothing_is_adopted_by_one_who_may_not_see_whether_an_object_has_it() -> None:
    server = healthy()
    left_volume(server)
    server.forbidden.add("persistentvolumes")
    answer = await ask(server, "adopt", "left")
    assert (answer.status, answer.text) == (1, "")
    assert "one of the PersistentVolumes may have it already: forbidden" in answer.errors


@pytest.mark.asyncio
async def test_nothing_is_adopted_while_the_cloud_s_volumes_are_not_known() -> None:
    answer = await ask(healthy(), "adopt", "left")
    assert answer.status == 1
    assert "the cloud's volumes are not known" in answer.errors
