"""The objects that tell Kubernetes of the driver: CSIDriver, classes, monitors."""

import pytest

from common import encryption
from tests.chart.documents import at, items, render

DRIVER = "dobs.csi.digitalocean.com"


def test_the_classes_are_those_of_the_driver_that_this_one_replaces() -> None:
    classes = {name: one for name, one in render().items() if name.startswith("StorageClass/")}
    assert {
        name.removeprefix("StorageClass/"): (
            at(one, "provisioner"),
            at(one, "parameters", "csi.storage.k8s.io/fstype"),
            at(one, "reclaimPolicy"),
        )
        for name, one in classes.items()
    } == {
        "do-block-storage": (DRIVER, "ext4", "Delete"),
        "do-block-storage-retain": (DRIVER, "ext4", "Retain"),
        "do-block-storage-xfs": (DRIVER, "xfs", "Delete"),
        "do-block-storage-xfs-retain": (DRIVER, "xfs", "Retain"),
    }
    assert {at(one, "volumeBindingMode") for one in classes.values()} == {"WaitForFirstConsumer"}
    assert {at(one, "allowVolumeExpansion") for one in classes.values()} == {True}


def test_an_encrypted_class_asks_for_what_its_values_say_and_names_its_secret_for_each_call() -> None:
    values = "{secretName: key, keySize: 256, pbkdf: pbkdf2, pbkdfIterations: 2000000, sectorSize: 512, discards: true}"
    rendered = render(f"storageClasses: {{classes: [{{name: secret, fsType: xfs, encryption: {values}}}]}}")
    given = at(rendered["StorageClass/secret"], "parameters")
    assert isinstance(given, dict)
    assert encryption.parse({key: str(value) for key, value in given.items()}) == encryption.Encryption(
        "aes-xts-plain64", 256, "pbkdf2", 0, 2_000_000, 512, discards=True
    )
    namespace = at(rendered["ServiceAccount/aiocsi-node"], "metadata", "namespace")
    for call in ("node-stage", "node-expand"):
        assert given[f"csi.storage.k8s.io/{call}-secret-name"] == "key"
        assert given[f"csi.storage.k8s.io/{call}-secret-namespace"] == namespace


@pytest.mark.parametrize("default", ["do-block-storage", "do-block-storage-xfs", ""])
def test_at_most_one_class_is_the_default(default: str) -> None:
    annotation = "storageclass.kubernetes.io/is-default-class"
    rendered = render(f"storageClasses: {{default: '{default}'}}")
    chosen = [
        name.removeprefix("StorageClass/")
        for name, one in rendered.items()
        if name.startswith("StorageClass/") and at(one, "metadata", "annotations", annotation) == "true"
    ]
    assert chosen == ([default] if default else [])


@pytest.mark.parametrize(
    ("kubernetes", "present"),
    [pytest.param("1.33.5", False, id="older than 1.34"), pytest.param("1.34.0", True, id="1.34")],
)
def test_a_field_that_the_cluster_does_not_know_is_left_out(kubernetes: str, present: bool) -> None:
    spec = at(render(kubernetes=kubernetes)[f"CSIDriver/{DRIVER}"], "spec")
    assert isinstance(spec, dict)
    assert ("nodeAllocatableUpdatePeriodSeconds" in spec) == present


def test_the_driver_s_name_is_one_everywhere() -> None:
    rendered = render("driver: {name: other.example.com}")
    assert DRIVER not in str(rendered)
    assert at(rendered["VolumeSnapshotClass/do-block-storage"], "driver") == "other.example.com"


def test_parameters_of_an_attributes_class_are_text_as_the_api_wants_them() -> None:
    rendered = render("volumeAttributesClasses: [{name: gold, parameters: {a: '1'}}]")
    assert at(rendered["VolumeAttributesClass/gold"], "parameters") == {"a": "1"}
    assert at(rendered["VolumeAttributesClass/gold"], "driverName") == DRIVER


def test_monitors_come_only_with_metrics() -> None:
    monitors = "serviceMonitor: true, podMonitor: true"
    assert [name for name in render(f"metrics: {{{monitors}}}") if "Monitor/" in name] == []
    names = [name for name in render(f"metrics: {{enabled: true, {monitors}}}") if "Monitor/" in name]
    assert sorted(names) == ["PodMonitor/aiocsi-node", "ServiceMonitor/aiocsi-controller"]


def test_the_controller_is_scraped_once_whichever_monitor_does_it() -> None:
    rendered = render("metrics: {enabled: true, podMonitor: true}")
    assert sorted(name for name in rendered if "Monitor/" in name) == [
        "PodMonitor/aiocsi-controller",
        "PodMonitor/aiocsi-node",
    ]
    ports = [one["port"] for one in items(rendered["PodMonitor/aiocsi-controller"], "spec", "podMetricsEndpoints")]
    assert ports == ["http", "provisioner", "attacher", "resizer", "snapshotter"]
