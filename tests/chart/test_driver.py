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


def test_each_monitor_that_is_asked_for_is_made() -> None:
    monitors = "serviceMonitor: true, podMonitor: true"
    names = [name for name in render(f"metrics: {{enabled: true, {monitors}}}") if "Monitor/" in name]
    assert sorted(names) == ["PodMonitor/aiocsi-node", "ServiceMonitor/aiocsi-controller"]


def test_the_controller_is_scraped_once_whichever_monitor_does_it() -> None:
    rendered = render("metrics: {enabled: true, podMonitor: true}")
    assert sorted(name for name in rendered if "Monitor/" in name) == [
        "PodMonitor/aiocsi-controller",
        "PodMonitor/aiocsi-node",
    ]
    ports = [one["port"] for one in items(rendered["PodMonitor/aiocsi-controller"], "spec", "podMetricsEndpoints")]
    assert sorted(map(str, ports)) == ["attacher", "http", "provisioner", "resizer", "snapshotter", "warden"]


def test_a_new_driver_name_changes_every_selector_so_that_kubernetes_refuses_the_upgrade() -> None:
    rendered = render("driver: {name: other.example.com}")
    for name in ("Deployment/aiocsi-controller", "DaemonSet/aiocsi-node"):
        assert at(rendered[name], "spec", "selector", "matchLabels", "aiocsi.dev/driver") == "other.example.com"


def test_releases_of_one_name_in_two_namespaces_share_no_cluster_role() -> None:
    roles = [name for name in render() if name.startswith("ClusterRole")]
    assert len(roles) == 10
    assert [name for name in roles if "/kube-system-aiocsi-" not in name] == []


@pytest.mark.parametrize(
    ("enabled", "served", "made"),
    [
        pytest.param("auto", "snapshot.storage.k8s.io/v1", True, id="auto, with the CRDs"),
        pytest.param("auto", "", False, id="auto, without the CRDs"),
        pytest.param("true", "", True, id="forced on"),
        pytest.param("false", "snapshot.storage.k8s.io/v1", False, id="forced off"),
    ],
)
def test_snapshots_are_served_where_the_cluster_can_have_them_unless_the_values_say(
    enabled: str, served: str, made: bool
) -> None:
    rendered = render(f"snapshots: {{enabled: {enabled}}}", served=served)
    assert ("VolumeSnapshotClass/do-block-storage" in rendered) == made
    assert ("csi-snapshotter" in str(rendered["Deployment/aiocsi-controller"])) == made


def test_a_class_takes_what_a_storage_class_takes() -> None:
    values = (
        "{name: a, fsType: ext4, volumeBindingMode: Immediate, allowVolumeExpansion: false, labels: {team: x},"
        " allowedTopologies: [{matchLabelExpressions: [{key: region, values: [nyc1]}]}]}"
    )
    made = render(f"storageClasses: {{classes: [{values}]}}")["StorageClass/a"]
    assert at(made, "volumeBindingMode") == "Immediate"
    assert at(made, "allowVolumeExpansion") is False
    assert at(made, "metadata", "labels", "team") == "x"
    assert at(made, "allowedTopologies", 0, "matchLabelExpressions", 0, "values") == ["nyc1"]


def test_a_snapshot_class_takes_labels_and_parameters() -> None:
    values = "snapshots: {labels: {velero.io/csi-volumesnapshot-class: 'true'}, parameters: {tags: a}}"
    made = render(values)["VolumeSnapshotClass/do-block-storage"]
    assert at(made, "metadata", "labels", "velero.io/csi-volumesnapshot-class") == "true"
    assert at(made, "parameters") == {"tags": "a"}
