"""Values: each is documented, and a wrong one is an error before anything is changed."""

import json
from collections.abc import Iterator

import pytest

from common import settings
from controller.settings import ControllerSettings
from node.settings import NodeSettings
from tests.chart.documents import containers, environment, render
from tools.chart import CHART, SNAPSHOTS, Json, branch, helm, values

WRONG = {
    "an unknown key": "replicas: 2",
    "an unknown key in a group": "controller: {replica: 2}",
    "an unknown key of a node set": "additionalNodeSets: {big: {tolerance: []}}",
    "a number as text": 'controller: {replicas: "2"}',
    "no replica": "controller: {replicas: 0}",
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
    "a region that is none": "cloud: {region: Amsterdam}",
    "a digest that is none": 'image: {digest: "sha256:12"}',
    "a driver name in capitals": "driver: {name: DOBS}",
    "a relative kubelet path": "kubeletPath: var/lib/kubelet",
    "a kubelet path with a slash at its end": "kubeletPath: /var/lib/kubelet/",
    "a period that Kubernetes refuses": "csiDriver: {nodeAllocatableUpdatePeriodSeconds: 5}",
    "a memory limit that is no quantity": "node: {resources: {limits: {memory: lots}}}",
    "a toleration's effect that is none": "node: {tolerations: [{effect: NoWay}]}",
    "an argument that is no flag": "sidecars: {attacher: {extraArgs: [resync]}}",
    "a time-out of nothing": "sidecars: {resizer: {timeoutSeconds: 0}}",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in WRONG.items()])
def test_a_wrong_value_is_refused(text: str) -> None:
    with pytest.raises(helm.ChartRefused, match="values don't meet the specifications of the schema"):
        render(text)


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
    known = set(leaves(schema if isinstance(schema, dict) else {}, schema)) - {("global",)}
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
    ours = {name: str(value) for name, value in environment(container).items() if name.startswith("AIOCSI_")}
    assert set(ours) - {variable.name for variable in settings.describe(kind)} == set()
    settings.read(kind, [], "test", "", {**ours, "AIOCSI_HTTP_ADDR": "127.0.0.1:0"})
