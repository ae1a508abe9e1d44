"""On which nodes a DaemonSet is to have a pod."""

import pytest

from kubectl_aiocsi.records import Json, Object
from kubectl_aiocsi.rules.placement import is_placed

NODE = Object(
    {
        "metadata": {"name": "one", "labels": {"size": "12", "zone": "a"}},
        "spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
    }
)
ANY: Json = {"tolerations": [{"operator": "Exists"}]}


def required(*terms: Json) -> Json:
    affinity = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [*terms]}}
    return {**ANY, "affinity": {"nodeAffinity": affinity}}


def said(key: str, operator: str, *values: str) -> Json:
    return required({"matchExpressions": [{"key": key, "operator": operator, "values": [*values]}]})


def tolerates(**toleration: str) -> Json:
    return {"tolerations": [toleration]}


PLACED = {
    "it tolerates all": ANY,
    "its selector fits": {**ANY, "nodeSelector": {"zone": "a"}},
    "one of two terms fits": required({"matchExpressions": [{"key": "x", "operator": "Exists"}]}, {
        "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["one"]}]
    }),
    "in": said("zone", "In", "b", "a"),
    "not in": said("zone", "NotIn", "b"),
    "not in, without the label": said("virtual", "NotIn", "yes"),
    "exists": said("zone", "Exists"),
    "does not exist": said("virtual", "DoesNotExist"),
    "greater": said("size", "Gt", "9"),
    "less": said("size", "Lt", "100"),
    "it tolerates the key": tolerates(key="gpu", operator="Exists"),
    "it tolerates the value": tolerates(key="gpu", value="yes", effect="NoSchedule"),
}  # fmt: skip
NOT_PLACED = {
    "its selector does not fit": {**ANY, "nodeSelector": {"zone": "b"}},
    "no term": required(),
    "an empty term": required({}),
    "in": said("zone", "In", "b"),
    "not in": said("zone", "NotIn", "a"),
    "exists": said("virtual", "Exists"),
    "does not exist": said("zone", "DoesNotExist"),
    "greater": said("size", "Gt", "100"),
    "greater, the same": said("size", "Gt", "12"),
    "greater, without the label": said("virtual", "Gt", "1"),
    "less": said("size", "Lt", "12"),
    "it tolerates nothing": {},
    "it tolerates another value": tolerates(key="gpu", value="no"),
    "it tolerates another effect": tolerates(key="gpu", operator="Exists", effect="NoExecute"),
    "it tolerates another key": tolerates(key="cpu", operator="Exists"),
}


@pytest.mark.parametrize(
    ("pod", "placed"),
    [
        *(pytest.param(pod, True, id=name) for name, pod in PLACED.items()),
        *(pytest.param(pod, False, id=f"not: {name}") for name, pod in NOT_PLACED.items()),
    ],
)
def test_a_pod_is_wanted_where_kubernetes_wants_it(pod: Json, placed: bool) -> None:
    assert is_placed(Object({"spec": {"template": {"spec": pod}}}), NODE) is placed


@pytest.mark.parametrize(("taint", "placed"), [("node.kubernetes.io/unschedulable", True), ("gpu", False)])
def test_taints_of_kubernetes_keep_no_daemon_away(taint: str, placed: bool) -> None:
    node = Object(
        {"spec": {"taints": [{"key": taint, "effect": "NoSchedule"}, {"key": "x", "effect": "PreferNoSchedule"}]}}
    )
    assert is_placed(Object({}), node) is placed
