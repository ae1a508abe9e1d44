"""The DaemonSet that proves on each node that the driver could work there."""

import pytest

from kubectl_aiocsi.records import Json, Object
from takeover import proof
from takeover.cluster import NotDoneError


def workload(kind: str, name: str, *volumes: str) -> Json:
    mounts = [{"name": volume, "mountPath": f"/{volume}"} for volume in volumes]
    container = {"name": name, "image": "i", "command": [f"aiocsi-{name}"], "ports": [{}], "volumeMounts": mounts}
    spec = {
        "containers": [container, {"name": "other"}],
        "volumes": [{"name": volume} for volume in (*volumes, "else")],
    }
    return {"kind": kind, "spec": {"template": {"spec": {**spec, "serviceAccountName": "own", "hostNetwork": True}}}}


RENDERED = (workload("DaemonSet", "node", "host", "tmp"), workload("Deployment", "controller", "tmp", "token"))


def test_it_checks_what_the_node_and_the_controller_need_and_serves_nothing() -> None:
    made = Object(proof.checks(RENDERED)[0])
    checks = made.each("spec", "template", "spec", "initContainers")
    assert [each.words("command") for each in checks] == [["aiocsi-node", "--check"], ["aiocsi-controller", "--check"]]
    assert not [each for each in checks if each.at("ports")]
    assert made.at("spec", "template", "spec", "hostNetwork") is True
    assert made.text("spec", "template", "spec", "serviceAccountName") == "default"


def test_each_mount_has_its_volume_though_both_services_have_one_of_a_name() -> None:
    made = Object(proof.checks(RENDERED)[0])
    volumes = made.each("spec", "template", "spec", "volumes")
    assert [each.text("name") for each in volumes] == ["host", "tmp", "else", "controller-tmp", "controller-token"]
    mounts = made.each("spec", "template", "spec", "initContainers")[1].each("volumeMounts")
    assert [each.text("name") for each in mounts] == ["controller-tmp", "controller-token"]


def test_each_set_of_nodes_is_checked_by_a_daemon_set_of_its_own() -> None:
    made = [Object(each) for each in proof.checks([*RENDERED, workload("DaemonSet", "node")])]
    assert len({each.name for each in made}) == 2
    assert len({str(each.at("spec", "selector")) for each in made}) == 2


def test_a_chart_without_a_node_service_is_refused() -> None:
    with pytest.raises(NotDoneError, match="DaemonSet"):
        proof.checks(RENDERED[1:])
