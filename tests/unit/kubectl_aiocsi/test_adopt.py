"""The PersistentVolume for a volume that only the cloud has."""

import json

import pytest
import yaml

from kubectl_aiocsi.records import DEFAULT_DRIVER, Json
from tests.unit.kubectl_aiocsi.asking import ask
from tests.unit.kubectl_aiocsi.drifted import LEFT, left_volume
from tests.unit.kubectl_aiocsi.ways import merge
from tests.unit.kubectl_aiocsi.world import cloud_has, healthy, made

ADOPTED: Json = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {
        "name": "pvc-left",
        "annotations": {"pv.kubernetes.io/provisioned-by": "dobs.csi.digitalocean.com"},
    },
    "spec": {
        "storageClassName": "do-block-storage-retain",
        "persistentVolumeReclaimPolicy": "Retain",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "10Gi"},
        "csi": {
            "driver": "dobs.csi.digitalocean.com",
            "volumeHandle": "left",
            "fsType": "ext4",
            "volumeAttributes": {"dobs.csi.digitalocean.com/noformat": "true"},
        },
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "region", "operator": "In", "values": ["nyc1"]}]},
                ],
            },
        },
    },
}


@pytest.mark.asyncio
@pytest.mark.parametrize("word", ["left", "pvc-left"])
async def test_a_volume_that_is_adopted_is_kept_and_never_formatted(word: str) -> None:
    server = healthy()
    left_volume(server)
    answer = await ask(server, "adopt", word)
    assert (answer.status, yaml.safe_load(answer.text)) == (0, ADOPTED)
    assert json.loads((await ask(server, "adopt", word, "-o", "json")).text) == ADOPTED


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("without", "expected"),
    [
        ([], ("do-block-storage-xfs-retain", "xfs")),
        (["do-block-storage-xfs-retain"], ("do-block-storage", "ext4")),
        (["do-block-storage-xfs-retain", "do-block-storage", "do-block-storage-xfs"], ("", "ext4")),
    ],
)
async def test_a_class_that_keeps_is_named_before_others_and_none_that_encrypts(
    without: list[str], expected: tuple[str, str]
) -> None:
    server = healthy()
    left_volume(server)
    encrypting = {f"{DEFAULT_DRIVER}/encryption": "luks2", "csi.storage.k8s.io/fstype": "btrfs"}
    merge(server.get("storageclasses", "do-block-storage-retain"), parameters=encrypting)
    server.drop("storageclasses", "", *without)
    server.add("storageclasses", made("StorageClass", "nfs", provisioner="nfs.csi.example.com"))
    spec = (await ask(server, "adopt", "left", "-o", "json")).json
    assert (spec.text("spec", "storageClassName"), spec.text("spec", "csi", "fsType")) == expected


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
