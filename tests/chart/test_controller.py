"""The controller's Deployment: what it is told, its sidecars, and how little it may do."""

import pytest

from controller.digitalocean import transport
from tests.chart.documents import at, containers, environment, flags, images, items, mounts, render
from tools.chart import Json

POD = ("spec", "template", "spec")
SIDECARS = ("csi-provisioner", "csi-attacher", "csi-resizer", "csi-snapshotter")
DEPLOYMENT = "Deployment/aiocsi-controller"
TOKEN_FOLDER = "/etc/aiocsi/token"  # noqa: S105  # a folder


@pytest.fixture(scope="module")
def controller() -> Json:
    return render()[DEPLOYMENT]


def test_the_token_reaches_the_driver_as_a_file_of_a_mounted_folder_and_as_nothing_else(controller: Json) -> None:
    told = environment(containers(controller)["controller"])
    assert told["AIOCSI_TOKEN_FILE"] == f"{TOKEN_FOLDER}/access-token"
    assert "AIOCSI_TOKEN" not in told
    assert mounts(containers(controller)["controller"])["token"] == TOKEN_FOLDER
    assert [name for name, one in containers(controller).items() if "token" in mounts(one)] == ["controller"]


def test_a_given_token_becomes_a_secret_that_the_deployment_mounts() -> None:
    rendered = render("cloud: {token: {value: abc}}")
    assert at(rendered["Secret/aiocsi-token"], "stringData") == {"access-token": "abc"}
    assert items(rendered[DEPLOYMENT], *POD, "volumes")[1]["secret"] == {
        "secretName": "aiocsi-token",
        "defaultMode": 0o440,
    }


def test_without_a_given_token_the_chart_makes_no_secret() -> None:
    assert [name for name in render() if name.startswith("Secret/")] == []


@pytest.mark.parametrize("sidecar", SIDECARS)
def test_a_sidecar_elects_a_leader_and_reports_its_health(controller: Json, sidecar: str) -> None:
    container = containers(controller)[sidecar]
    assert "leader-election" in flags(container)
    port = int(flags(container)["http-endpoint"].removeprefix(":"))
    assert items(container, "ports")[0]["containerPort"] == port
    assert at(container, "livenessProbe", "httpGet", "path") == "/healthz/leader-election"


def test_no_two_containers_listen_on_one_port(controller: Json) -> None:
    ports = [port["containerPort"] for one in containers(controller).values() for port in items(one, "ports")]
    assert len(ports) == len(set(map(str, ports))) == 6


@pytest.mark.parametrize("name", ["controller", *SIDECARS])
def test_a_container_of_the_controller_gives_up_every_privilege(controller: Json, name: str) -> None:
    assert containers(controller)[name]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_controller_never_runs_as_root(controller: Json) -> None:
    context = at(controller, *POD, "securityContext")
    assert at(context, "runAsNonRoot") is True
    assert at(context, "seccompProfile", "type") == "RuntimeDefault"


def test_without_snapshots_there_is_no_snapshotter_and_no_right_to_snapshots() -> None:
    rendered = render("snapshots: {enabled: false}")
    assert "csi-snapshotter" not in containers(rendered[DEPLOYMENT])
    assert "snapshot.storage.k8s.io" not in str(rendered)


def test_a_sidecar_may_only_renew_the_leases_of_this_driver() -> None:
    rules = items(render("driver: {name: b.example.com}")["Role/aiocsi-controller"], "rules")
    assert [rule["verbs"] for rule in rules] == [["create"], ["get", "update"]]
    assert rules[1]["resourceNames"] == [
        "b-example-com",
        "external-attacher-leader-b-example-com",
        "external-resizer-b-example-com",
        "external-snapshotter-leader-b-example-com",
    ]


def test_no_role_grants_everything_or_reads_secrets() -> None:
    roles = [one for name, one in render().items() if "Role/" in name]
    assert len(roles) == 7
    for rule in (rule for role in roles for rule in items(role, "rules")):
        words = str(rule)
        assert "*" not in words
        assert "secrets" not in words


@pytest.mark.parametrize(
    ("kubernetes", "gate"),
    [pytest.param("1.33.0", True, id="older than 1.34"), pytest.param("1.34.0", False, id="1.34")],
)
def test_attributes_classes_are_left_alone_where_the_cluster_does_not_serve_them(kubernetes: str, gate: bool) -> None:
    found = containers(render(kubernetes=kubernetes)[DEPLOYMENT])
    for name in ("csi-provisioner", "csi-resizer"):
        assert ("VolumeAttributesClass=false" in flags(found[name])["feature-gates"]) == gate


def test_storage_capacity_brings_its_rights_and_the_pod_s_name_with_it() -> None:
    rendered = render("sidecars: {provisioner: {capacity: true}}")
    provisioner = containers(rendered[DEPLOYMENT])["csi-provisioner"]
    assert "enable-capacity" in flags(provisioner)
    assert set(environment(provisioner)) == {"NAMESPACE", "POD_NAME"}
    assert "csistoragecapacities" in str(rendered["Role/aiocsi-controller"])
    assert at(rendered["CSIDriver/dobs.csi.digitalocean.com"], "spec", "storageCapacity") is True


def test_a_proxy_and_a_certificate_bundle_reach_the_driver() -> None:
    values = "cloud: {proxy: {https: 'http://p:1', exclude: .a}, caBundle: {configMap: company}}"
    container = containers(render(values)[DEPLOYMENT])["controller"]
    told = environment(container)
    assert (told["HTTPS_PROXY"], told["NO_PROXY"], told["AIOCSI_CA_FILE"]) == (
        "http://p:1",
        ".a",
        "/etc/aiocsi/ca/ca.crt",
    )
    assert mounts(container)["ca"] == "/etc/aiocsi/ca"


def test_an_own_affinity_replaces_the_chart_s() -> None:
    rendered = render("controller: {affinity: {nodeAffinity: {}}}")
    assert at(rendered[DEPLOYMENT], *POD, "affinity") == {"nodeAffinity": {}}


def test_a_pod_has_longer_to_stop_than_the_driver_takes_to_drain() -> None:
    rendered = render("driver: {drainSeconds: 45}")
    for name in (DEPLOYMENT, "DaemonSet/aiocsi-node"):
        assert at(rendered[name], *POD, "terminationGracePeriodSeconds") == 55


def test_a_new_chart_version_alone_restarts_no_pod(controller: Json) -> None:
    labels = at(controller, "spec", "template", "metadata", "labels")
    assert isinstance(labels, dict)
    assert set(labels) == {
        "aiocsi.dev/driver",
        *(f"app.kubernetes.io/{key}" for key in ("name", "instance", "component")),
    }


def test_a_digest_wins_over_a_tag() -> None:
    digest = f"sha256:{'0' * 64}"
    rendered = render(f"image: {{repository: r/aiocsi, tag: v9, digest: '{digest}'}}")
    ours = {image for image in images(list(rendered.values())) if "aiocsi" in image}
    assert ours == {f"r/aiocsi@{digest}"}


def test_the_network_policy_lets_the_metadata_service_through_only_if_it_is_asked() -> None:
    name = "NetworkPolicy/aiocsi-controller"
    assert "169.254.169.254/32" in str(render("networkPolicy: {enabled: true}")[name])
    assert "169.254.169.254/32" not in str(render("{networkPolicy: {enabled: true}, cloud: {region: nyc1}}")[name])


def test_only_the_sidecars_and_the_warden_have_the_service_account_s_token(controller: Json) -> None:
    assert at(controller, *POD, "automountServiceAccountToken") is False
    having = [name for name, one in containers(controller).items() if "kubernetes-token" in mounts(one)]
    assert having == [*SIDECARS, "warden"]


def test_a_pod_that_is_not_ready_blocks_no_drain() -> None:
    assert at(render()["PodDisruptionBudget/aiocsi-controller"], "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow"


@pytest.mark.parametrize("workload", [DEPLOYMENT, "DaemonSet/aiocsi-node"])
def test_a_rollout_goes_on_only_after_a_pod_was_ready_for_a_while(workload: str) -> None:
    rendered = render()[workload]
    assert at(rendered, "spec", "minReadySeconds") == 10
    assert {one["terminationMessagePolicy"] for one in containers(rendered).values()} == {"FallbackToLogsOnError"}
    assert at(rendered, *POD, "enableServiceLinks") is False


def test_a_request_that_was_just_sent_is_answered_before_the_drain_ends(controller: Json) -> None:
    assert (
        int(str(environment(containers(controller)["controller"])["AIOCSI_DRAIN_SECONDS"])) > transport.ANSWER_SECONDS
    )


def test_a_mirror_replaces_the_registry_of_every_image() -> None:
    values = "{global: {imageRegistry: mirror.example.com:5000}, node: {registrar: {enabled: true}}}"
    found = set(images(list(render(values).values())))
    assert len(found) == 6
    assert {image.partition("/")[0] for image in found} == {"mirror.example.com:5000"}
    assert "mirror.example.com:5000/sig-storage/csi-attacher:v4.13.0" in found


def test_pull_secrets_are_names_or_objects_as_other_charts_have_them() -> None:
    rendered = render("{imagePullSecrets: [a, {name: b}], global: {imagePullSecrets: [c]}}")
    for name in (DEPLOYMENT, "DaemonSet/aiocsi-node"):
        assert at(rendered[name], *POD, "imagePullSecrets") == [{"name": "a"}, {"name": "b"}, {"name": "c"}]


def test_a_variable_of_the_values_replaces_the_chart_s() -> None:
    rendered = render("controller: {extraEnv: [{name: AIOCSI_LOG_LEVEL, value: debug}, {name: TZ, value: UTC}]}")
    told = items(containers(rendered[DEPLOYMENT])["controller"], "env")
    assert [one for one in told if one["name"] in {"AIOCSI_LOG_LEVEL", "TZ"}] == [
        {"name": "AIOCSI_LOG_LEVEL", "value": "debug"},
        {"name": "TZ", "value": "UTC"},
    ]


@pytest.mark.parametrize(
    ("values", "ports"),
    [
        pytest.param("", [443, 6443], id="the public API"),
        pytest.param("cloud: {apiUrl: 'http://mock:8080/'}", [443, 6443, 8080], id="another API"),
        pytest.param("cloud: {proxy: {https: 'http://proxy'}}", [443, 6443, 80], id="a proxy without a port"),
        pytest.param("cloud: {proxy: {https: 'http://[fd00::1]:3128'}}", [443, 6443, 3128], id="a proxy by IPv6"),
    ],
)
def test_the_network_policy_lets_the_ports_of_all_urls_through(values: str, ports: list[int]) -> None:
    rendered = render(
        (values and f"{{networkPolicy: {{enabled: true}}, {values}}}") or "networkPolicy: {enabled: true}"
    )
    egress = items(rendered["NetworkPolicy/aiocsi-controller"], "spec", "egress")
    assert ports in [[one["port"] for one in items(rule, "ports")] for rule in egress]


def test_the_network_policy_admits_those_that_the_values_name() -> None:
    values = "networkPolicy: {enabled: true, ingressFrom: [{podSelector: {matchLabels: {app: prometheus}}}]}"
    ingress = items(render(values)["NetworkPolicy/aiocsi-controller"], "spec", "ingress")
    assert at(ingress[0], "from", 0, "podSelector", "matchLabels", "app") == "prometheus"
    assert len(items(ingress[0], "ports")) == 7


@pytest.mark.parametrize(
    ("host_network", "surge", "unavailable"),
    [
        pytest.param("false", 1, 0, id="a new pod is ready before an old one ends"),
        pytest.param("true", 0, 1, id="on the host's network, where two pods cannot have one port"),
    ],
)
def test_an_update_never_leaves_the_cluster_without_a_controller(
    host_network: str, surge: int, unavailable: int
) -> None:
    rendered = render(f"controller: {{hostNetwork: {host_network}}}")
    assert at(rendered[DEPLOYMENT], "spec", "strategy", "rollingUpdate") == {
        "maxSurge": surge,
        "maxUnavailable": unavailable,
    }
