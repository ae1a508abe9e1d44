"""Kubernetes' objects as records."""

import pytest

from warden.records import Attachment, CsiNode, NodeRecord, PersistentVolume, Reference, Taint
from warden.rules import objects

DRIVER = "block.example.com"


def test_a_node_keeps_what_is_judged_by_and_nothing_else() -> None:
    found = objects.node(
        {
            "metadata": {
                "name": "n1",
                "uid": "u",
                "resourceVersion": "7",
                "annotations": {f"{DRIVER}/tainted-by": "aiocsi", "other/key": "x"},
                "managedFields": [{}],
            },
            "spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}], "unschedulable": True},
            "status": {
                "conditions": [
                    {"type": "DiskPressure", "status": "False"},
                    {"type": "Ready", "status": "True", "lastTransitionTime": "t"},
                ]
            },
        },
        DRIVER,
    )
    annotations = ((f"{DRIVER}/tainted-by", "aiocsi"),)
    assert found == NodeRecord(
        "n1", "u", "7", ready=True, changed="t", taints=(Taint("k", "v", "NoSchedule"),),
        annotations=annotations, is_annotated=True, unschedulable=True,
    )  # fmt: skip
    assert found.annotation(f"{DRIVER}/tainted-by") == "aiocsi"
    assert found.annotation("other/key") is None


def test_a_node_that_says_nothing_of_itself_is_not_ready() -> None:
    assert objects.node({"metadata": {"name": "n1"}}, DRIVER) == NodeRecord("n1", "", "", ready=False, changed="")


@pytest.mark.parametrize(
    ("drivers", "told"),
    [
        pytest.param([], None, id="nothing is registered"),
        pytest.param([{"name": "other", "nodeID": "9"}], None, id="another driver"),
        pytest.param([{"name": DRIVER, "nodeID": "9"}], CsiNode("n1", "9", limited=False), id="without a limit"),
        pytest.param(
            [{"name": "other"}, {"name": DRIVER, "nodeID": "9", "allocatable": {"count": 7}}],
            CsiNode("n1", "9", limited=True),
            id="beside another",
        ),
    ],
)
def test_what_is_registered_of_the_driver(drivers: list[object], told: CsiNode | None) -> None:
    assert objects.csi_node({"metadata": {"name": "n1"}, "spec": {"drivers": drivers}}, DRIVER) == told


def test_an_attachment_of_another_driver_is_not_kept() -> None:
    spec = {"attacher": DRIVER, "nodeName": "n1", "source": {"persistentVolumeName": "pv"}}
    json = {"metadata": {"name": "a"}, "spec": spec, "status": {"attached": True}}
    assert objects.attachment(json, DRIVER) == Attachment("a", "n1", "pv", attached=True)
    assert objects.attachment(json, "other") is None


def test_a_volume_of_another_driver_is_not_kept() -> None:
    spec = {"csi": {"driver": DRIVER, "volumeHandle": "h"}, "capacity": {"storage": "1Gi"}}
    json = {"metadata": {"name": "pv", "uid": "u"}, "spec": spec, "status": {"phase": "Bound"}}
    assert objects.persistent_volume(json, DRIVER) == PersistentVolume("pv", "h", "1Gi", "Bound")
    claim = {"namespace": "apps", "name": "c", "uid": "cu"}
    bound = objects.persistent_volume({**json, "spec": {**spec, "claimRef": claim}}, DRIVER)
    assert bound is not None
    assert bound.claim == Reference("v1", "PersistentVolumeClaim", "apps", "c", "cu")
    assert objects.persistent_volume(json, "other") is None


def test_a_pod_names_its_claims() -> None:
    volumes = [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": "c"}}, "odd"]
    json = {"metadata": {"namespace": "apps", "name": "p", "uid": "u"}, "spec": {"volumes": volumes}}
    assert list(objects.claims_of(json)) == ["apps/c"]
    assert objects.pod(json) == Reference("v1", "Pod", "apps", "p", "u")
    assert list(objects.claims_of({"spec": {"volumes": "odd"}})) == []
    assert (objects.name_of(json), objects.name_of({"metadata": {"name": "n"}})) == ("apps/p", "n")
