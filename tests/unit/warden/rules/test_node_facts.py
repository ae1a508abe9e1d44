"""What the node service is told of its Node."""

import pytest

from warden.records import NodeRecord, ServicePod, Taint, VolumePod
from warden.rules import node_facts
from warden.rules.node_facts import FactsPolicy

DRIVER = "block.example.com"
BOTH = FactsPolicy(DRIVER, drain=True, max_volumes=True)
DRAINING, MOST = BOTH.draining, BOTH.most


def node(*taints: str, unschedulable: bool = False, most: str | None = None) -> NodeRecord:
    found = tuple(Taint(key, "", "NoSchedule") for key in taints)
    annotations = () if most is None else ((MOST, most),)
    return NodeRecord("n1", "u", "1", True, "t", found, annotations, unschedulable=unschedulable)


def pod(**annotations: str) -> ServicePod:
    return ServicePod("kube-system", "aiocsi-node-x", "u", "n1", tuple(annotations.items()))


CORDONED = node(unschedulable=True)
TOLD = ServicePod("kube-system", "aiocsi-node-x", "u", "n1", ((DRAINING, "cordoned"),))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(node(), "", id="nothing"),
        pytest.param(node("node.kubernetes.io/not-ready"), "", id="a taint of another kind"),
        pytest.param(CORDONED, "cordoned", id="cordoned"),
        pytest.param(node("a", "karpenter.sh/disrupted"), "karpenter.sh/disrupted", id="Karpenter"),
        pytest.param(node("karpenter.sh/disruption"), "karpenter.sh/disruption", id="Karpenter before 1.0"),
        pytest.param(node("ToBeDeletedByClusterAutoscaler"), "ToBeDeletedByClusterAutoscaler", id="autoscaler"),
    ],
)
def test_a_node_is_marked_for_a_drain_by_whoever_drains_it(found: NodeRecord, why: str) -> None:
    assert node_facts.mark(found) == why


@pytest.mark.parametrize(
    ("pods", "leaving"),
    [
        pytest.param([], True, id="no pod is left"),
        pytest.param([VolumePod(("a/data",), stays=True)], False, id="one stays, as on a node that is only cordoned"),
        pytest.param([VolumePod(("a/data",), stays=False)], True, id="it goes"),
        pytest.param([VolumePod(("a/other",), stays=True), VolumePod((), stays=True)], True, id="others stay"),
    ],
)
def test_volumes_are_leaving_when_no_pod_with_them_stays(pods: list[VolumePod], leaving: bool) -> None:
    assert node_facts.are_leaving(pods, ["a/data"]) is leaving


@pytest.mark.parametrize(
    ("before", "found", "leaving", "changes"),
    [
        pytest.param(pod(), CORDONED, True, {DRAINING: "cordoned"}, id="it is drained"),
        pytest.param(TOLD, CORDONED, True, {}, id="it was told"),
        pytest.param(pod(), CORDONED, False, {}, id="it is only cordoned"),
        pytest.param(TOLD, CORDONED, False, {DRAINING: None}, id="the drain was given up, the cordon stays"),
        pytest.param(TOLD, CORDONED, None, {}, id="nobody knows: what was told stays"),
        pytest.param(pod(), CORDONED, None, {}, id="nobody knows"),
        pytest.param(TOLD, node(), None, {DRAINING: None}, id="it is uncordoned"),
        pytest.param(TOLD, None, None, {}, id="the Node object was deleted: the last word stays"),
    ],
)
def test_a_drain_is_told_while_it_lasts(
    before: ServicePod,
    found: NodeRecord | None,
    leaving: bool | None,
    changes: dict[str, str | None],
) -> None:
    assert node_facts.changes(before, found, leaving, BOTH) == changes


@pytest.mark.parametrize(
    ("asked", "told"),
    [("7", "7"), ("256", "256"), ("0", None), ("257", None), ("-1", None), ("07000", None), ("x", None), ("", None)],
)
def test_a_number_of_volumes_is_told_if_it_is_one(asked: str, told: str | None) -> None:
    wanted = {} if told is None else {MOST: told}
    assert node_facts.changes(pod(), node(most=asked), None, BOTH) == wanted


def test_a_number_that_was_taken_back_is_told_no_longer() -> None:
    before = ServicePod("kube-system", "aiocsi-node-x", "u", "n1", ((MOST, "7"),))
    assert node_facts.changes(before, node(), None, BOTH) == {MOST: None}


def test_what_is_off_is_left_alone() -> None:
    off = FactsPolicy(DRIVER, drain=False, max_volumes=False)
    assert node_facts.changes(TOLD, node(most="7"), True, off) == {}
