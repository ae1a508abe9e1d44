"""The node's DaemonSet: registration, paths, probes, further node sets, and what it must not have."""

import pytest

from tests.chart.documents import at, containers, environment, flags, host_folders, items, mounts, render
from tools.chart import Json

POD = ("spec", "template", "spec")
NAME = "DaemonSet/aiocsi-node"


@pytest.fixture(scope="module")
def node() -> Json:
    return render()[NAME]


def test_the_node_has_no_credential_of_the_cluster_and_no_token_of_the_cloud(node: Json) -> None:
    assert at(node, *POD, "automountServiceAccountToken") is False
    assert "TOKEN" not in str(environment(containers(node)["node"]))
    assert [volume for volume in items(node, *POD, "volumes") if "secret" in volume] == []
    assert [name for name, one in render().items() if "Binding/" in name and "aiocsi-node" in str(one)] == []


def test_only_the_node_s_own_container_is_privileged(node: Json) -> None:
    everything = items(node, *POD, "containers") + items(node, *POD, "initContainers")
    assert [one["name"] for one in everything if "'privileged': True" in str(one)] == ["node"]
    assert "privileged" not in str(render()["Deployment/aiocsi-controller"])


def test_the_node_runs_whatever_the_taints(node: Json) -> None:
    assert at(node, *POD, "tolerations") == [{"operator": "Exists"}]


def test_the_driver_registers_itself_unless_the_sidecar_does(node: Json) -> None:
    assert environment(containers(node)["node"])["AIOCSI_REGISTRATION_DIR"] == "/var/lib/kubelet/plugins_registry"
    assert environment(containers(node)["node"])["AIOCSI_KEEP_REGISTRATION"] == "true"
    with_sidecar = render("node: {registrar: {enabled: true}}")[NAME]
    assert not {"AIOCSI_REGISTRATION_DIR", "AIOCSI_KEEP_REGISTRATION"} & set(
        environment(containers(with_sidecar)["node"])
    )
    assert flags(containers(with_sidecar)["registrar"])["kubelet-registration-path"] == (
        "/var/lib/kubelet/plugins/dobs.csi.digitalocean.com/csi.sock"
    )


def test_the_kubelet_s_folder_is_at_the_same_path_inside_and_shares_its_mounts() -> None:
    node = render("kubeletPath: /data/kubelet")[NAME]
    container = containers(node)["node"]
    assert mounts(container)["kubelet"] == host_folders(node)["kubelet"] == "/data/kubelet"
    shared = [one["name"] for one in items(container, "volumeMounts") if one.get("mountPropagation") == "Bidirectional"]
    assert shared == ["kubelet"]
    told = environment(container)
    plugin = "/data/kubelet/plugins/dobs.csi.digitalocean.com"
    assert told["AIOCSI_ENDPOINT"] == f"unix://{plugin}/csi.sock"
    assert told["AIOCSI_KUBELET_DIR"] == "/data/kubelet"
    assert told["AIOCSI_STATE_DIR"] == f"{plugin}/state"
    assert told["AIOCSI_REGISTRATION_DIR"] == "/data/kubelet/plugins_registry"


def test_the_node_has_the_host_s_devices_and_of_the_host_nothing_that_it_does_not_need(node: Json) -> None:
    assert mounts(containers(node)["node"])["devices"] == "/dev"
    assert host_folders(node) == {
        "kubelet": "/var/lib/kubelet",
        "devices": "/dev",
        "udev-rules": "/etc/udev/rules.d",
    }


def test_what_the_node_remembers_lies_on_the_host(node: Json) -> None:
    container = containers(node)["node"]
    state = str(environment(container)["AIOCSI_STATE_DIR"])
    holds = [name for name, inside in mounts(container).items() if state.startswith(f"{inside}/")]
    assert [host_folders(node)[name] for name in holds] == ["/var/lib/kubelet"]


@pytest.mark.parametrize(
    ("values", "address", "host"),
    [
        pytest.param("", "127.0.0.1:9820", "127.0.0.1", id="host network: for kubelet alone"),
        pytest.param("metrics: {enabled: true}", "[$(NODE_IP)]:9820", None, id="metrics: on the node's address"),
        pytest.param("node: {hostNetwork: false}", ":9820", None, id="pod network"),
    ],
)
def test_the_probes_ask_where_the_driver_listens(values: str, address: str, host: str | None) -> None:
    container = containers(render(values)[NAME])["node"]
    assert environment(container)["AIOCSI_HTTP_ADDR"] == address
    for probe in ("livenessProbe", "readinessProbe"):
        request = at(container, probe, "httpGet")
        assert isinstance(request, dict)
        assert request.get("host") == host


def test_an_address_that_names_a_variable_comes_after_it() -> None:
    names = list(environment(containers(render("metrics: {enabled: true}")[NAME])["node"]))
    assert names.index("NODE_IP") < names.index("AIOCSI_HTTP_ADDR")


def test_the_liveness_sidecar_probes_in_place_of_the_driver_s_port() -> None:
    found = containers(render("node: {livenessProbe: {enabled: true}}")[NAME])
    assert flags(found["liveness-probe"])["http-endpoint"] == "127.0.0.1:9821"
    assert at(found["node"], "livenessProbe", "httpGet", "port") == 9821


def test_the_automount_rule_is_removed_unless_told_otherwise(node: Json) -> None:
    [container] = items(node, *POD, "initContainers")
    assert container["command"] == ["rm", "--force", "--verbose", "/host/udev/99-digitalocean-automount.rules"]
    assert mounts(container) == {"udev-rules": "/host/udev"}
    without = at(render("node: {removeAutomountRule: false}")[NAME], *POD)
    assert isinstance(without, dict)
    assert "initContainers" not in without
    assert "udev" not in str(without)


def test_a_node_set_takes_what_it_does_not_name_from_the_first_one() -> None:
    values = "{node: {hostPID: true}, additionalNodeSets: {big: {nodeSelector: {size: big}, httpPort: 9900}}}"
    rendered = render(values)
    big = rendered["DaemonSet/aiocsi-node-big"]
    assert at(big, *POD, "nodeSelector") == {"kubernetes.io/os": "linux", "size": "big"}
    assert at(big, *POD, "hostPID") is True
    assert environment(containers(big)["node"])["AIOCSI_HTTP_ADDR"] == "127.0.0.1:9900"
    assert at(rendered[NAME], *POD, "nodeSelector") == {"kubernetes.io/os": "linux"}


def test_what_one_node_set_overrides_does_not_reach_the_next() -> None:
    rendered = render("additionalNodeSets: {a: {httpPort: 9900, nodeSelector: {size: big}}, b: {}}")
    second = rendered["DaemonSet/aiocsi-node-b"]
    assert environment(containers(second)["node"])["AIOCSI_HTTP_ADDR"] == "127.0.0.1:9820"
    assert at(second, *POD, "nodeSelector") == {"kubernetes.io/os": "linux"}


def test_no_two_node_sets_select_each_other_s_pods() -> None:
    rendered = render("additionalNodeSets: {a: {}, b: {}}")
    selectors = [str(at(one, "spec", "selector")) for name, one in rendered.items() if name.startswith("DaemonSet/")]
    assert len(set(selectors)) == len(selectors) == 3


def test_node_sets_alone_can_cover_the_cluster() -> None:
    rendered = render("{node: {enabled: false}, additionalNodeSets: {a: {}}}")
    assert [name for name in rendered if name.startswith("DaemonSet/")] == ["DaemonSet/aiocsi-node-a"]


def test_a_node_set_has_its_own_limit_of_volumes() -> None:
    rendered = render("additionalNodeSets: {big: {volumeLimit: 7, volumeReserve: 2}}")
    sets = [one for name, one in rendered.items() if name.startswith("DaemonSet/")]
    told = [environment(containers(one)["node"]) for one in sets]
    assert [each["AIOCSI_VOLUME_LIMIT"] for each in told] == ["15", "7"]
    assert [each.get("AIOCSI_VOLUME_RESERVE") for each in told] == [None, "2"]


def test_pods_are_replaced_only_when_they_are_deleted_if_the_values_say_so() -> None:
    rendered = render("node: {updateStrategy: OnDelete}")
    assert at(rendered["DaemonSet/aiocsi-node"], "spec", "updateStrategy") == {"type": "OnDelete"}
