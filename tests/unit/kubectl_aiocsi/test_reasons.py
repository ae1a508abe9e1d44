"""Which Events tell that a link is broken: by the reasons that Kubernetes gives them.

Sources: kubernetes 1.37, pkg/controller/volume/events and pkg/kubelet/events; external-provisioner, external-resizer.
"""

import pytest

from kubectl_aiocsi.records import CLAIMS, DEFAULT_DRIVER, EVENTS, VOLUMES, Json, Object, Snapshot
from kubectl_aiocsi.rules.claim import claim_link
from kubectl_aiocsi.rules.mount import mount_links
from kubectl_aiocsi.rules.volume import volume_link
from tests.unit.kubectl_aiocsi.api_server import NOW
from tests.unit.kubectl_aiocsi.world import ago

SAID = 'it failed for volume "one"'
ABOUT: Json = {"name": "one", "namespace": "shop", "creationTimestamp": ago(60)}
GROWING: Json = {"phase": "Bound", "allocatedResourceStatuses": {"storage": "NodeResizePending"}}


def told(reason: str, kind: str) -> Object:
    about = {"kind": kind, "name": "one", "namespace": "shop"}
    return Object({"reason": reason, "message": SAID, "involvedObject": about, "lastTimestamp": ago(1)})


@pytest.mark.parametrize(
    ("status", "reasons"),
    [
        ({"phase": "Pending"}, ("ProvisioningFailed", "FailedBinding", "ProvisioningCleanupFailed")),
        (GROWING, ("VolumeResizeFailed", "FileSystemResizeFailed", "ExternalExpandFailed", "VolumeModifyFailed")),
    ],
)
def test_a_claim_fails_by(status: Json, reasons: tuple[str, ...]) -> None:
    claim = Object({"metadata": ABOUT, "spec": {"storageClassName": ""}, "status": status})
    for reason in reasons:
        events = [told(reason, "PersistentVolumeClaim")]
        assert claim_link(Snapshot(NOW, lists={CLAIMS: [claim], EVENTS: events}), "shop", "one").said == SAID


@pytest.mark.parametrize("reason", ["VolumeFailedDelete", "VolumeFailedRecycle", "FailedBinding"])
def test_a_volume_fails_by(reason: str) -> None:
    spec = {"csi": {"driver": DEFAULT_DRIVER}}
    volume = Object({"metadata": {"name": "one"}, "spec": spec, "status": {"phase": "Failed"}})
    events = [
        Object({**told(reason, "PersistentVolume").json, "involvedObject": {"kind": "PersistentVolume", "name": "one"}})
    ]
    assert volume_link(Snapshot(NOW, lists={VOLUMES: [volume], EVENTS: events}), "one").said == SAID


@pytest.mark.parametrize("reason", ["FailedMount", "FailedMapVolume", "VolumeResizeFailed", "FileSystemResizeFailed"])
def test_a_mount_fails_by(reason: str) -> None:
    pod = Object({"metadata": ABOUT, "status": {"phase": "Pending"}})
    _, mount = mount_links(Snapshot(NOW, lists={EVENTS: [told(reason, "Pod")]}), pod, "one", [])
    assert mount.said == SAID
