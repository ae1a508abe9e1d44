"""The warden: where it runs, what it is told, and what it may."""

import json
from pathlib import Path

import pytest

from tests.chart.documents import at, containers, environment, items, mounts, render
from tools.chart import Json, branch, helm, schemas
from tools.chart import rights as page_of_rights

TAINT = "warden: {failover: {mode: taint}}"
ROLE, BINDING = "ClusterRole/kube-system-aiocsi-warden", "ClusterRoleBinding/kube-system-aiocsi-warden"
HEALTHY = ("patch", "persistentvolumeclaims/status")
POLICY = "ValidatingAdmissionPolicy/kube-system-aiocsi-warden"


def rights(values: str) -> set[tuple[str, str]]:
    """Return each verb on each resource that the warden's ClusterRole grants."""
    rules = items(render(values)[ROLE], "rules")
    return {
        (str(verb), str(what)) for rule in rules for what in _list(rule, "resources") for verb in _list(rule, "verbs")
    }


def _list(rule: dict[str, Json], key: str) -> list[Json]:
    found = rule[key]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("off", ["warden: {enabled: false}", "warden: {enabled: false, failover: {mode: taint}}"])
def test_one_value_turns_all_of_it_off(off: str) -> None:
    rendered = render(off)
    assert [name for name in rendered if "warden" in name] == []
    assert "warden" not in containers(rendered["Deployment/aiocsi-controller"])


@pytest.mark.parametrize("mode", ["report", "off"])
def test_without_rights_to_change_anything_it_is_a_container_beside_the_controller(mode: str) -> None:
    rendered = render(f"warden: {{failover: {{mode: {mode}}}}}")
    warden = containers(rendered["Deployment/aiocsi-controller"])["warden"]
    assert environment(warden)["AIOCSI_FAILOVER_MODE"] == mode
    assert "token" not in mounts(warden)
    assert "Deployment/aiocsi-warden" not in rendered
    assert at(rendered[BINDING], "subjects", 0, "name") == "aiocsi-controller"
    writes = {
        (verb, what) for verb, what in rights(f"warden: {{failover: {{mode: {mode}}}}}") if verb in {"create", "patch"}
    }
    assert writes == {("create", "events"), ("patch", "events"), HEALTHY}


def test_it_may_list_pods_only_where_it_tells_of_them() -> None:
    assert ("list", "pods") in rights("")
    assert ("list", "pods") not in rights("warden: {failover: {mode: off}}")


def test_what_may_change_nodes_is_a_deployment_and_an_account_of_its_own() -> None:
    rendered = render(TAINT)
    assert "warden" not in containers(rendered["Deployment/aiocsi-controller"])
    assert set(containers(rendered["Deployment/aiocsi-warden"])) == {"controller", "warden"}
    assert at(rendered["Deployment/aiocsi-warden"], "spec", "template", "spec", "serviceAccountName") == "aiocsi-warden"
    assert at(rendered[BINDING], "subjects", 0, "name") == "aiocsi-warden"
    assert ("patch", "nodes") in rights(TAINT)
    assert ("update", "nodes") not in rights(TAINT)


def test_no_container_but_the_warden_has_its_credential() -> None:
    found = containers(render(TAINT)["Deployment/aiocsi-warden"])
    assert [name for name, one in found.items() if "kubernetes-token" in mounts(one)] == ["warden"]


def test_its_ports_meet_no_others() -> None:
    rendered = render(f"{TAINT}\ncontroller: {{hostNetwork: true}}")
    both = [containers(rendered[f"Deployment/aiocsi-{name}"]) for name in ("controller", "warden")]
    ports = [str(port["containerPort"]) for found in both for one in found.values() for port in items(one, "ports")]
    assert len(ports) == len(set(ports)) == 7


def test_a_policy_bounds_what_it_may_change_where_kubernetes_has_such() -> None:
    name = "system:serviceaccount:kube-system:aiocsi-warden"
    assert name in str(at(render(TAINT)[POLICY], "spec", "matchConditions", 0, "expression"))
    assert POLICY not in render(TAINT, kubernetes="1.29.0")
    assert POLICY not in render()


def test_the_start_guard_alone_may_not_touch_the_taint_of_a_failover() -> None:
    rendered = render("warden: {startTaint: true, failover: {mode: report}}")
    assert environment(containers(rendered["Deployment/aiocsi-warden"])["warden"])["AIOCSI_START_TAINT"] == "true"
    variables = {str(one["name"]): str(one["expression"]) for one in items(rendered[POLICY], "spec", "variables")}
    assert variables["taintKeys"] == '["dobs.csi.digitalocean.com/agent-not-ready"]'
    assert variables["keys"] == "[]"


DRAIN = "node: {drainWaitSeconds: 90}"
LIMITS = "warden: {maxVolumes: true, failover: {mode: 'off'}}"
POD_POLICY = f"{POLICY}-pods"
ON_NODE = ("DaemonSet/aiocsi-node", "spec", "template", "spec")


def test_in_a_drain_the_node_service_is_told_by_its_own_pod_and_has_the_time_to_wait() -> None:
    rendered = render(DRAIN)
    node = environment(containers(rendered[ON_NODE[0]])["node"])
    assert (node["AIOCSI_DRAIN_WAIT_SECONDS"], node["AIOCSI_POD_FACTS_DIR"]) == ("90", "/etc/aiocsi/told")
    assert at(rendered[ON_NODE[0]], *ON_NODE[1:], "terminationGracePeriodSeconds") == 35 + 10 + 90
    [told] = [one for one in items(rendered[ON_NODE[0]], *ON_NODE[1:], "volumes") if one["name"] == "told"]
    assert {str(one["path"]): at(one, "fieldRef", "fieldPath") for one in items(told, "downwardAPI", "items")} == {
        name: f"metadata.annotations['dobs.csi.digitalocean.com/{name}']" for name in ("draining", "max-volumes")
    }
    assert at(rendered[ON_NODE[0]], *ON_NODE[1:], "automountServiceAccountToken") is False
    warden = environment(containers(rendered["Deployment/aiocsi-warden"])["warden"])
    assert (warden["AIOCSI_DRAIN_WAIT"], warden["AIOCSI_MAX_VOLUMES"]) == ("true", "false")


def test_a_node_set_alone_may_wait() -> None:
    rendered = render("additionalNodeSets: {big: {drainWaitSeconds: 60}}")
    assert environment(containers(rendered["Deployment/aiocsi-warden"])["warden"])["AIOCSI_DRAIN_WAIT"] == "true"
    assert "AIOCSI_POD_FACTS_DIR" not in environment(containers(rendered[ON_NODE[0]])["node"])
    assert "AIOCSI_POD_FACTS_DIR" in environment(containers(rendered["DaemonSet/aiocsi-node-big"])["node"])


@pytest.mark.parametrize(
    ("values", "keys"), [(DRAIN, '["{}/draining"]'), (LIMITS, '["{}/max-volumes"]')], ids=["drain", "limits"]
)
def test_what_may_write_on_pods_may_write_its_annotations_in_its_own_namespace_alone(values: str, keys: str) -> None:
    rendered = render(values)
    assert {verb for verb, what in rights(values) if what == "pods"} <= {"list"}
    assert ("patch", "nodes") not in rights(values)
    of_pods = [one for one in items(rendered["Role/aiocsi-warden"], "rules") if one["resources"] == ["pods"]]
    assert ["get", "list", "watch", "patch"] in [one["verbs"] for one in of_pods]
    assert POLICY not in rendered
    variables = {str(one["name"]): str(one["expression"]) for one in items(rendered[POD_POLICY], "spec", "variables")}
    assert variables["keys"] == keys.format("dobs.csi.digitalocean.com")


@pytest.mark.parametrize("values", ["", TAINT])
def test_without_either_it_may_change_no_pod(values: str) -> None:
    rendered = render(values)
    assert POD_POLICY not in rendered
    of_pods = [one for one in items(rendered["Role/aiocsi-warden"], "rules") if one["resources"] == ["pods"]]
    assert [one["verbs"] for one in of_pods] == [["list"]]
    assert "told" not in mounts(containers(rendered[ON_NODE[0]])["node"])


@pytest.mark.parametrize(
    "values",
    [
        "{node: {drainWaitSeconds: 9}, warden: {enabled: false}}",
        "{node: {drainWaitSeconds: 9, registrar: {enabled: true}}}",
        "{warden: {enabled: false, maxVolumes: true}}",
    ],
)
def test_what_needs_the_warden_or_its_own_registration_is_refused_without_it(values: str) -> None:
    with pytest.raises(helm.ChartRefused, match="needs"):
        render(values)


def test_the_scheduler_waits_for_the_driver_where_kubernetes_can_and_it_is_wanted() -> None:
    wanted = "csiDriver: {preventPodSchedulingIfMissing: true}"
    driver = "CSIDriver/dobs.csi.digitalocean.com"
    field = "preventPodSchedulingIfMissing"
    assert at(render(wanted, kubernetes="1.37.0")[driver], "spec", field) is True
    for values, kubernetes in ((wanted, "1.36.0"), ("", "1.37.0")):
        spec = at(render(values, kubernetes=kubernetes)[driver], "spec")
        assert isinstance(spec, dict)
        assert field not in spec


NO_DRIFT = "warden: {drift: {intervalSeconds: 0}}"
OF_DRIFT = {(verb, what) for verb in ("get", "list") for what in ("persistentvolumeclaims", "volumesnapshotcontents")}


def test_it_may_read_what_it_compares_with_the_cloud_only_where_it_does() -> None:
    assert rights("snapshots: {enabled: true}") >= OF_DRIFT
    assert rights("warden: {drift: {intervalSeconds: 0}, health: {conditions: false}}") & OF_DRIFT == set()
    assert "volumesnapshotcontents" not in {what for _, what in rights("snapshots: {enabled: false}")}
    pods = [rule for rule in items(render()["Role/aiocsi-warden"], "rules") if rule["resources"] == ["pods"]]
    assert [rule["verbs"] for rule in pods] == [["list"]]
    assert "pods" not in str(items(render(NO_DRIFT)["Role/aiocsi-warden"], "rules"))


def test_the_warden_knows_the_cluster_s_tags_and_reaches_the_controllers() -> None:
    rendered = render("cloud: {tags: [a, b]}\nnetworkPolicy: {enabled: true, ingressFrom: [{podSelector: {}}]}")
    assert environment(containers(rendered["Deployment/aiocsi-controller"])["warden"])["AIOCSI_TAG"] == "a,b"
    policy = rendered["NetworkPolicy/aiocsi-controller"]
    assert at(policy, "spec", "ingress", 1, "ports", 0, "port") == 9810
    assert at(policy, "spec", "egress", 0, "ports", 0, "port") == 9810


def test_drift_is_not_compared_more_often_than_the_cloud_is_read() -> None:
    wrong = "warden: {drift: {intervalSeconds: 60}}"
    with pytest.raises(helm.ChartRefused, match=r"must be more than sidecars\.attacher\.reconcileSeconds"):
        render(wrong)
    assert render(f"{wrong}\nsidecars: {{attacher: {{reconcileSeconds: 30}}}}")


def test_the_page_of_its_rights_is_what_the_chart_renders() -> None:
    assert page_of_rights.PAGE.read_text() == page_of_rights.made(), "python -m tools.chart.rights writes it"


def health_rights(values: str, kubernetes: str) -> tuple[bool, str]:
    """Return whether the warden may write the health of claims, and what it is told of that."""
    rendered = render(values, kubernetes=kubernetes)
    rules = items(rendered[ROLE], "rules")
    warden = containers(rendered["Deployment/aiocsi-controller"])["warden"]
    granted = any(HEALTHY[1] in _list(rule, "resources") and HEALTHY[0] in _list(rule, "verbs") for rule in rules)
    return granted, str(environment(warden)["AIOCSI_HEALTH_CONDITIONS"])


@pytest.mark.parametrize(
    ("values", "kubernetes", "is_granted"),
    [
        pytest.param("", "1.37.0", True, id="Kubernetes has the field"),
        pytest.param("", "1.36.0", False, id="it does not"),
        pytest.param("warden: {health: {conditions: false}}", "1.37.0", False, id="it is not wanted"),
        pytest.param("warden: {health: {intervalSeconds: 0}}", "1.37.0", False, id="health is off"),
    ],
)
def test_it_may_write_the_health_of_claims_only_where_they_can_have_one(
    values: str, kubernetes: str, is_granted: bool
) -> None:
    assert health_rights(values, kubernetes) == (is_granted, str(is_granted).lower())


def test_a_policy_bounds_what_it_may_change_of_claims() -> None:
    for alone in (TAINT, "warden: {maxVolumes: true}", "node: {drainWaitSeconds: 60}"):
        assert f"{POLICY}-claims" in render(alone, kubernetes="1.37.0"), alone
    assert f"{POLICY}-claims" not in {*render(TAINT, kubernetes="1.36.0"), *render("{}", kubernetes="1.37.0")}


def test_of_a_claim_it_may_change_neither_the_metadata_nor_any_field_of_the_status_but_the_health() -> None:
    schema: Json = json.loads(Path(schemas.location()).with_name("persistentvolumeclaim-v1.json").read_text())
    status = branch(branch(schema, "definitions"), "io.k8s.api.core.v1.PersistentVolumeClaimStatus")
    policy = render(TAINT, kubernetes="1.37.0")[f"{POLICY}-claims"]
    said = str(at(policy, "spec", "validations", 0, "expression"))
    fields = set(branch(status, "properties"))
    assert {each for each in fields if f"variables.is.?{each}.orValue" not in said} == {"healthStatus"}
    kept = {"labels", "annotations", "finalizers", "ownerReferences"}
    assert {each for each in kept if f"object.metadata.?{each}.orValue" not in said} == set()
