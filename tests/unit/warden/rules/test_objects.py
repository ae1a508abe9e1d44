"""Kubernetes' objects as records."""

import pytest

from common.drift_records import ClusterContent, UnusedClaim
from warden.records import Attachment, CsiNode, NodeRecord, PersistentVolume, Reference, ServicePod, Taint, VolumePod
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


@pytest.mark.parametrize(
    ("more", "stays"),
    [
        ({}, True),
        ({"status": {"phase": "Succeeded"}}, False),
        ({"status": {"phase": "Failed"}}, False),
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, False),
        ({"metadata": {"ownerReferences": [{"kind": "StatefulSet"}, {"kind": "DaemonSet"}]}}, False),
    ],
)
def test_a_drain_waits_for_a_pod_that_runs_and_is_of_no_daemon_set(more: objects.Json, stays: bool) -> None:
    assert objects.volume_pod(more) == VolumePod((), stays=stays)


def test_a_pod_names_its_claims() -> None:
    volumes = [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": "c"}}, "odd"]
    json = {"metadata": {"namespace": "apps", "name": "p", "uid": "u"}, "spec": {"volumes": volumes}}
    assert list(objects.claims_of(json)) == ["apps/c"]
    assert objects.pod(json) == Reference("v1", "Pod", "apps", "p", "u")
    assert list(objects.claims_of({**json, "spec": {"volumes": [{"name": "v", "ephemeral": {}}]}})) == ["apps/p-v"]
    assert list(objects.claims_of({"spec": {"volumes": "odd"}})) == []
    assert (objects.name_of(json), objects.name_of({"metadata": {"name": "n"}})) == ("apps/p", "n")


@pytest.mark.parametrize(
    ("component", "node", "is_one"),
    [("node", "n1", True), ("node-large", "n1", True), ("node", "", False), ("nodes", "n1", False), ("", "n1", False)],
)
def test_a_pod_of_the_node_service_is_known_by_its_label(component: str, node: str, is_one: bool) -> None:
    metadata = {"namespace": "s", "name": "p", "uid": "u1", "labels": {"app.kubernetes.io/component": component}}
    found = objects.service_pod({"metadata": metadata, "spec": {"nodeName": node}}, DRIVER)
    assert found == (ServicePod("s", "p", "u1", "n1", ()) if is_one else None)


MADE, SINCE = "2026-01-01T00:00:00Z", 1_767_225_600.0


def test_a_moment_that_is_not_told_is_none() -> None:
    assert (objects.moment(MADE), objects.moment("")) == (SINCE, 0.0)


@pytest.mark.parametrize(
    ("condition", "is_unused"),
    [
        pytest.param({"type": "Unused", "status": "True", "lastTransitionTime": MADE}, True, id="unused"),
        pytest.param({"type": "Unused", "status": "False", "lastTransitionTime": MADE}, False, id="in use"),
        pytest.param({"type": "Unused", "status": "True"}, False, id="since when is not told"),
        pytest.param({"type": "Resizing", "status": "True", "lastTransitionTime": MADE}, False, id="another condition"),
    ],
)
def test_a_claim_is_unused_since_kubernetes_says_so(condition: objects.Json, is_unused: bool) -> None:
    metadata, spec = {"namespace": "a", "name": "c"}, {"volumeName": "v"}
    found = objects.unused_claim({"metadata": metadata, "spec": spec, "status": {"conditions": [condition]}})
    assert found == (UnusedClaim("a", "c", "v", SINCE) if is_unused else None)


@pytest.mark.parametrize(
    ("more", "handle"),
    [
        pytest.param({"status": {"snapshotHandle": "s1"}}, "s1", id="taken"),
        pytest.param({"spec": {"driver": DRIVER, "source": {"snapshotHandle": "s2"}}}, "s2", id="imported"),
        pytest.param({}, "", id="being taken"),
        pytest.param({"spec": {"driver": "other"}, "status": {"snapshotHandle": "s1"}}, "", id="another driver's"),
    ],
)
def test_a_content_counts_if_it_is_ours_and_has_a_snapshot(more: objects.Json, handle: str) -> None:
    metadata = {"name": "c1", "creationTimestamp": MADE}
    found = objects.snapshot_content({"metadata": metadata, "spec": {"driver": DRIVER}, **more}, DRIVER)
    assert found == (ClusterContent("c1", handle, SINCE) if handle else None)
