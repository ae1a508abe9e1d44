"""Values: each is documented, and a wrong one is an error before anything is changed."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from common import settings
from common.clouds import CLOUDS, DEFAULT
from controller.settings import ControllerSettings
from node.settings import NodeSettings
from tests.chart.documents import conform, containers, environment, items, render
from tools.chart import CHART, SNAPSHOTS, Json, branch, helm, values

WRONG = {
    "an unknown key": "replicas: 2",
    "an unknown key in a group": "controller: {replica: 2}",
    "an unknown key of a node set": "additionalNodeSets: {big: {tolerance: []}}",
    "a number as text": 'controller: {replicas: "2"}',
    "a log level that is none": "driver: {logLevel: loud}",
    "a file system that the node cannot make": "storageClasses: {classes: [{name: a, fsType: zfs}]}",
    "an encrypted class without a Secret": "storageClasses: {classes: [{name: a, fsType: ext4, encryption: {}}]}",
    "a cipher that the driver does not offer": (
        "storageClasses: {classes: [{name: a, fsType: ext4, encryption: {secretName: key, cipher: rot13}}]}"
    ),
    "a class without a name": "storageClasses: {classes: [{fsType: ext4}]}",
    "a binding mode that is none": "storageClasses: {bindingMode: Later}",
    "an API that is no URL": "cloud: {apiUrl: api.example.com}",
    "a tag that the cloud refuses": 'cloud: {tags: ["two words"]}',
    "a cloud that the driver does not know": "cloud: {provider: hetzner}",
    "a region that is none": "cloud: {region: Amsterdam}",
    "a digest that is none": 'image: {digest: "sha256:12"}',
    "a driver name in capitals": "driver: {name: DOBS}",
    "a relative kubelet path": "kubeletPath: var/lib/kubelet",
    "a kubelet path with a slash at its end": "kubeletPath: /var/lib/kubelet/",
    "a period that Kubernetes refuses": "csiDriver: {nodeAllocatableUpdatePeriodSeconds: 5}",
    "a memory limit that is no quantity": "node: {resources: {limits: {memory: lots}}}",
    "a toleration's effect that is none": "node: {tolerations: [{effect: NoWay}]}",
    "an argument that is no flag": "sidecars: {attacher: {extraArgs: [resync]}}",
    "a value that is taken away": "sidecars: {resizer: {timeoutSeconds: null}}",
    "a value of the nodes that is taken away": "node: {hostNetwork: null}",
    "a group that is taken away": "{warden: null}",
    "a name with two dots": "driver: {name: a..b}",
    "a class whose name ends a part in a dash": "storageClasses: {classes: [{name: a-.b, fsType: ext4}]}",
    "an image that ends in a slash": "image: {repository: registry.example.com/aiocsi/}",
    "a page of runbooks with a blank": "metrics: {enabled: true, rules: {enabled: true, runbooks: 'wiki: here'}}",
    "a time-out of nothing": "sidecars: {resizer: {timeoutSeconds: 0}}",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in WRONG.items()])
def test_a_wrong_value_is_refused(text: str) -> None:
    with pytest.raises(helm.ChartRefused, match="values don't meet the specifications of the schema"):
        render(text)


MEET = {
    "no image": ("image: {repository: ''}", "image.repository is not set"),
    "no Secret for the token": ("cloud: {token: {existingSecret: ''}}", "name the Secret with the API token"),
    "a monitor without metrics": ("metrics: {serviceMonitor: true}", "need metrics.enabled=true"),
    "alerts without metrics": ("metrics: {rules: {enabled: true}}", "metrics.rules need metrics.enabled=true"),
    "one port for two pods of a node": (
        "{controller: {hostNetwork: true}, node: {httpPort: 9813}}",
        "meet node.httpPort 9813 on the host's network",
    ),
    "one port for the controller and a node set": (
        "{controller: {hostNetwork: true}, additionalNodeSets: {big: {httpPort: 9809}}}",
        "meet additionalNodeSets.big.httpPort 9809",
    ),
    "a socket path that is too long": (
        f"{{kubeletPath: /var/snap/microk8s/common/var/lib/kubelet, driver: {{name: {'d' * 63}}}}}",
        "longer than the 107 bytes",
    ),
    "two default classes": (
        """storageClasses: {classes: [{name: do-block-storage, fsType: ext4},
        {name: b, fsType: ext4, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}]}""",
        "more than one default StorageClass: do-block-storage, b",
    ),
    "a class twice": (
        "storageClasses: {default: '', classes: [{name: a, fsType: ext4}, {name: a, fsType: xfs}]}",
        "storageClasses.classes: a is there twice",
    ),
    "a class of attributes twice": (
        "volumeAttributesClasses: [{name: a, parameters: {tags: a}}, {name: a, parameters: {tags: b}}]",
        "volumeAttributesClasses: a is there twice",
    ),
    "a variable twice": ("controller: {extraEnv: [{name: A, value: a}, {name: A, value: b}]}", "extraEnv has A twice"),
    "a volume of the controller": (
        "controller: {extraVolumes: [{name: token, emptyDir: {}}]}",
        "controller.extraVolumes: the chart has a volume token itself",
    ),
    "a volume of a node set": (
        "additionalNodeSets: {big: {extraVolumes: [{name: devices, emptyDir: {}}]}}",
        "additionalNodeSets.big.extraVolumes: the chart has a volume devices itself",
    ),
    "a node set that is turned off": ("additionalNodeSets: {big: {enabled: false}}", "big.enabled does nothing"),
    "leases that no sidecar takes": ("controller: {leases: {renewSeconds: 6}}", "more than 1.2 times retrySeconds"),
    "leases that run out before they are renewed": (
        "controller: {leases: {durationSeconds: 10}}",
        "durationSeconds must be more than renewSeconds",
    ),
    "a class that contradicts itself": (
        "storageClasses: {classes: [{name: a, fsType: ext4, parameters: {csi.storage.k8s.io/fstype: xfs}}]}",
        "a sets csi.storage.k8s.io/fstype twice",
    ),
}


@pytest.mark.parametrize(("text", "said"), [pytest.param(*case, id=name) for name, case in MEET.items()])
def test_values_that_do_not_go_together_are_refused_with_the_values_named(text: str, said: str) -> None:
    with pytest.raises(helm.ChartRefused, match=said):
        render(text)


def test_attributes_classes_are_refused_where_the_cluster_does_not_serve_them() -> None:
    with pytest.raises(helm.ChartRefused, match=r"need Kubernetes 1\.34 or newer"):
        render("volumeAttributesClasses: [{name: gold, parameters: {tags: a}}]", kubernetes="1.33.4")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param("cloud: {token: {existingSecret: 1e3, key: 1e3}}", id="a Secret and a key like a number"),
        pytest.param("cloud: {token: {existingSecret: '1e3', key: '0777'}}", id="the same as text"),
        pytest.param("controller: {priorityClassName: '', nodeSelector: null, tolerations: []}", id="nothing"),
        pytest.param("storageClasses: {default: '', classes: [{name: '1', fsType: ext4}]}", id="a class like a number"),
        pytest.param("labels: {team: 'on', app.kubernetes.io/name: other}", id="a label of the chart"),
        pytest.param("cloud: {token: {key: '0777', value: t}}", id="a key of the chart's own Secret like a number"),
        pytest.param(
            "labels: null\nimagePullSecrets: null\n"
            "controller: {podAnnotations: null, podLabels: null, extraEnv: null}\n"
            "node: {podAnnotations: null, extraEnv: null}\n"
            "sidecars: {resizer: {extraArgs: null}}",
            id="lists and maps with nothing below them",
        ),
        pytest.param(
            "labels: {release: a}\nmetrics: {enabled: true, serviceMonitor: true, podMonitor: true,"
            " monitorLabels: {release: b, app.kubernetes.io/name: c}, rules: {enabled: true, labels: {release: c}},"
            " dashboards: {enabled: true, labels: {release: d}}}",
            id="labels of monitors that the other objects have, too",
        ),
        pytest.param("controller: {extraEnv: [{name: AIOCSI_LOG_LEVEL, value: debug}]}", id="a variable of the chart"),
        pytest.param(
            "storageClasses: {default: '', classes: [{name: a, fsType: ext4,"
            " annotations: {storageclass.kubernetes.io/is-default-class: 'true'},"
            " parameters: {csi.storage.k8s.io/fstype: ext4}}]}",
            id="what the chart writes, too",
        ),
    ],
)
def test_no_key_is_written_twice_and_no_text_becomes_a_number(values: str) -> None:
    try:
        manifests = helm.template(values)
    except helm.ChartRefused as refused:
        assert "values don't meet the specifications of the schema" in str(refused)  # noqa: PT017  # either is right
        return
    summary = conform(manifests)
    assert "Invalid: 0, Errors: 0, Skipped: 0" in summary


def leaves(rule: dict[str, Json], schema: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each value that the schema knows, as far as groups go."""
    properties = branch(values.resolved(rule, schema), "properties")
    if not properties:
        yield path
    for key in properties:
        yield from leaves(branch(properties, key), schema, (*path, key))


def test_each_value_of_the_schema_is_documented_and_each_documented_value_is_in_the_schema() -> None:
    schema: Json = json.loads((CHART / "values.schema.json").read_text())
    documented = {value.path for value in values.documented()}
    known = set(leaves(schema if isinstance(schema, dict) else {}, schema))
    of_defaults = {path for path in known if path not in documented and path[:-1] in documented}
    assert known - of_defaults == documented - {path[:-1] for path in of_defaults}


def test_no_value_is_documented_without_a_word() -> None:
    assert [value.path for value in values.documented() if len(value.about) < 10] == []


@pytest.mark.parametrize(
    ("workload", "kind"),
    [
        pytest.param("Deployment/aiocsi-controller", ControllerSettings, id="controller"),
        pytest.param("DaemonSet/aiocsi-node", NodeSettings, id="node"),
    ],
)
def test_each_variable_that_the_chart_sets_is_a_setting_of_that_service(workload: str, kind: type) -> None:
    rendered = render((SNAPSHOTS / "everything.values.yaml").read_text())[workload]
    container = next(iter(containers(rendered).values()))
    ours = {name: value for name, value in environment(container).items() if name.startswith("AIOCSI_")}
    assert set(ours) - {variable.name for variable in settings.describe(kind)} == set()
    told = {name: str(value) for name, value in ours.items() if value is not None}  # the others are the pod's own
    settings.read(kind, [], "test", "", {**told, "AIOCSI_HTTP_ADDR": "127.0.0.1:0"})


def test_the_chart_offers_the_clouds_that_the_driver_knows() -> None:
    schema: Json = json.loads((CHART / "values.schema.json").read_text())
    cloud = branch(branch(branch(branch(schema, "properties"), "cloud"), "properties"), "provider")
    assert cloud == {"enum": sorted(CLOUDS)}


def test_what_the_driver_knows_of_its_cloud_the_chart_does_not_say_again() -> None:
    defaults = {value.path: value.default for value in values.documented()}
    facts = {value for facts in CLOUDS.values() for value in (facts.api_root, facts.metadata_root)}
    assert facts & {default for default in defaults.values() if isinstance(default, str)} == set()
    assert defaults["cloud", "provider"] == DEFAULT


@pytest.mark.parametrize("workload", ["Deployment/aiocsi-controller", "DaemonSet/aiocsi-node"])
def test_both_services_are_told_which_cloud_it_is_and_no_address_of_it(workload: str) -> None:
    told = environment(next(iter(containers(render()[workload]).values())))
    assert told["AIOCSI_CLOUD"] == DEFAULT
    assert {"AIOCSI_API_URL", "AIOCSI_METADATA_URL"} & told.keys() == set()


@pytest.mark.parametrize(
    ("value", "kind", "setting"),
    [
        pytest.param(("driver", "name"), NodeSettings, "AIOCSI_DRIVER_NAME", id="name"),
        pytest.param(("cloud", "volumeLimit"), NodeSettings, "AIOCSI_VOLUME_LIMIT", id="volumes"),
        pytest.param(("cloud", "requestsPerMinute"), ControllerSettings, "AIOCSI_REQUESTS_PER_MINUTE", id="requests"),
    ],
)
def test_a_default_that_chart_and_driver_both_have_is_the_same(
    value: tuple[str, ...], kind: type, setting: str
) -> None:
    [default] = [each.default for each in values.documented() if each.path == value]
    [known] = [each.default for each in settings.describe(kind) if each.name == setting]
    assert str(default) == known


@pytest.mark.parametrize(
    ("release", "namespace"),
    [("123", "456"), ("2nd", "0777"), ("my.app.v1", "kube-system"), (f"{'a' * 39}.b-aiocsi", "a")],
)
def test_release_and_namespace_may_have_any_name_that_helm_takes(release: str, namespace: str) -> None:
    given = ["--namespace", namespace, "--values", str(SNAPSHOTS / "everything.values.yaml")]
    manifests = helm.run("helm", "template", release, str(CHART), *given, "--kube-version", "1.37.0")
    assert "Invalid: 0, Errors: 0, Skipped: 0" in conform(manifests)
    names = [(each["kind"], each["metadata"]["name"]) for each in yaml.safe_load_all(manifests) if each]
    assert [name for kind, name in names if kind == "Service" and not re.fullmatch("[a-z][-a-z0-9]*", name)] == []
    assert [name for _, name in names if re.search(r"[-.]\.|\.[-.]", name)] == []
    set_alone = helm.template("nameOverride: " + 39 * "a" + ".b")
    assert f'app.kubernetes.io/name: "{39 * "a"}"' in set_alone


def test_a_chart_may_have_this_one_under_a_condition() -> None:
    assert render("enabled: true") == render()


def test_a_policy_lets_an_own_metadata_service_through_where_it_is_asked() -> None:
    own = "cloud: {metadataUrl: 'http://10.0.0.1:8111', region: '%s'}\nnetworkPolicy: {enabled: true}"
    asked, unasked = (str(render(own % region)["NetworkPolicy/aiocsi-controller"]) for region in ("", "nyc1"))
    assert ("8111" in asked, "8111" in unasked) == (True, False)


@pytest.mark.parametrize("none", ["dnsPorts: []", "dnsPorts: null", "egressPorts: []", "dnsPorts: [], egressPorts: []"])
def test_a_policy_without_ports_of_a_kind_has_no_rule_that_lets_everything_through(none: str) -> None:
    policy = render(f"networkPolicy: {{enabled: true, {none}}}")["NetworkPolicy/aiocsi-controller"]
    assert [rule for rule in items(policy, "spec", "egress") if not rule["ports"]] == []
