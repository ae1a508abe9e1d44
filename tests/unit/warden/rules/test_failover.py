"""When a node is lost, and what may be done about it."""

from dataclasses import replace

import pytest

from tests.unit.warden.rules.nodes import DRIVER, WELL, node
from warden.records import NodeRecord, ServerState
from warden.rules import failover, taints
from warden.rules.failover import Action, Mode, Policy, Sighting, Verdict

OURS = ((taints.tainted_by(DRIVER), taints.OURS),)

ACTIVE, OFF, GONE, UNTOLD = ServerState

PROVEN = Sighting("u", "t", 0.0, OFF, 60.0, 75.0)

TAINT = Policy(DRIVER, Mode.TAINT)

CLAIMED = node(ready=True, annotations=OURS)


def test_the_modes_are_the_words_of_the_chart_s_values() -> None:
    assert [mode.value for mode in Mode] == ["off", "report", "taint"]


def test_a_node_is_counted_from_when_it_was_first_seen_not_ready() -> None:
    first = failover.seen(None, node(), 5.0)
    assert first == Sighting("u", "t", 5.0)
    assert failover.seen(first, node(), 50.0) is first


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(node(changed="t2"), id="ready meanwhile"),
        pytest.param(replace(node(), uid="u2"), id="another node"),
    ],
)
def test_what_was_seen_of_a_node_that_has_changed_is_forgotten(other: NodeRecord) -> None:
    assert failover.seen(PROVEN, other, 90.0) == Sighting(other.uid, other.changed, 90.0)


def test_a_ready_node_is_not_lost() -> None:
    assert failover.seen(PROVEN, node(ready=True), 90.0) is None


@pytest.mark.parametrize(
    ("looks", "proven"),
    [
        pytest.param([], False, id="no look"),
        pytest.param([(60, OFF)], False, id="one look"),
        pytest.param([(60, OFF), (74, OFF)], False, id="two looks that are too close"),
        pytest.param([(60, OFF), (75, OFF)], True, id="two looks"),
        pytest.param([(60, GONE), (75, GONE)], True, id="two looks at a server that is gone"),
        pytest.param([(60, OFF), (75, GONE)], False, id="two looks that differ"),
        pytest.param([(60, OFF), (67, ACTIVE), (75, OFF)], False, id="active between"),
        pytest.param([(60, OFF), (67, UNTOLD), (75, OFF)], False, id="the cloud is away between"),
        pytest.param([(60, OFF), (75, OFF), (90, UNTOLD)], False, id="the cloud is away at last"),
        pytest.param([(60, OFF), (67, UNTOLD), (75, OFF), (90, OFF)], True, id="started over"),
        pytest.param([(60, ACTIVE), (75, ACTIVE)], False, id="active"),
        pytest.param([(60, OFF), (181, OFF)], False, id="another warden led between"),
        pytest.param([(60, OFF), (181, OFF), (196, OFF)], True, id="started over after a pause"),
    ],
)
def test_the_proof_is_two_looks_in_a_row_that_agree(looks: list[tuple[float, ServerState]], proven: bool) -> None:
    sighting = Sighting("u", "t", 0.0)
    for when, state in looks:
        sighting = failover.looked(sighting, state, when)
    assert failover.is_proven(sighting, TAINT) is proven


@pytest.mark.parametrize(
    ("sighting", "now", "due"),
    [
        pytest.param(Sighting("u", "t", 0.0), 59.0, False, id="not ready for too short a time"),
        pytest.param(Sighting("u", "t", 0.0), 60.0, True, id="the first look"),
        pytest.param(Sighting("u", "t", 0.0, OFF, 60.0, 60.0), 74.0, False, id="the second would be too early"),
        pytest.param(Sighting("u", "t", 0.0, OFF, 60.0, 60.0), 75.0, True, id="the second look"),
        pytest.param(PROVEN, 134.0, False, id="proven, and looked at not long ago"),
        pytest.param(PROVEN, 135.0, True, id="proven, and looked at a minute ago"),
    ],
)
def test_when_a_look_is_due(sighting: Sighting, now: float, due: bool) -> None:
    assert failover.is_due(sighting, now, TAINT) is due


@pytest.mark.parametrize(
    ("lost", "policy", "others", "verdict"),
    [
        pytest.param(node(), Policy(DRIVER), WELL, Verdict(Action.REPORT), id="report"),
        pytest.param(node(), TAINT, WELL, Verdict(Action.TAINT), id="taint"),
        pytest.param(node(taints=(taints.OUT_OF_SERVICE,)), TAINT, WELL, failover.NOTHING, id="tainted by another"),
        pytest.param(
            node(taints=(taints.OUT_OF_SERVICE,)), Policy(DRIVER), WELL, Verdict(Action.REPORT), id="tainted, report"
        ),
        pytest.param(
            node(annotations=((f"{DRIVER}/ignore-failover", ""),)),
            TAINT,
            WELL,
            Verdict(Action.REPORT, f"the node has the annotation {DRIVER}/ignore-failover"),
            id="opted out",
        ),
        pytest.param(
            node(annotations=OURS),
            TAINT,
            WELL,
            Verdict(Action.REPORT, "the taint that was set before was removed by another client"),
            id="our taint was taken off",
        ),
        pytest.param(
            node(),
            TAINT,
            [*WELL[:1], node("d")],
            Verdict(Action.REPORT, "2 of 3 nodes are not ready, as in a network partition"),
            id="a partition",
        ),
        pytest.param(node(), TAINT, WELL[:2], Verdict(Action.TAINT), id="one of three is no partition"),
        pytest.param(
            node(),
            TAINT,
            [*WELL, *WELL, node("d", annotations=OURS, taints=(taints.OUT_OF_SERVICE,))],
            Verdict(Action.REPORT, "1 node is tainted already, and no more may be at once"),
            id="as many as allowed",
        ),
        pytest.param(
            node(),
            replace(TAINT, max_nodes=2),
            [*WELL, *WELL, *(node(name, annotations=OURS, taints=(taints.OUT_OF_SERVICE,)) for name in "de")],
            Verdict(Action.REPORT, "2 nodes are tainted already, and no more may be at once"),
            id="as many as allowed, and these are two",
        ),
        pytest.param(
            node(),
            TAINT,
            [*WELL, *WELL, node("d", taints=(taints.OUT_OF_SERVICE,))],
            Verdict(Action.TAINT),
            id="one that another tainted does not count",
        ),
    ],
)
def test_what_is_done_about_a_lost_node(
    lost: NodeRecord, policy: Policy, others: list[NodeRecord], verdict: Verdict
) -> None:
    assert failover.of_lost(lost, PROVEN, [lost, *others], policy) == verdict
    assert failover.of_lost(lost, Sighting("u", "t", 0.0), [lost, *others], policy) == failover.NOTHING


@pytest.mark.parametrize(
    ("returned", "state", "ready_seconds", "clears"),
    [
        pytest.param(CLAIMED, ACTIVE, 0.0, True, id="it runs and is ready"),
        pytest.param(node(annotations=OURS), ACTIVE, 99.0, False, id="it is not ready"),
        pytest.param(CLAIMED, OFF, 99.0, False, id="the cloud says that it is off"),
        pytest.param(CLAIMED, UNTOLD, 99.0, False, id="the cloud says nothing"),
        pytest.param(node(ready=True), ACTIVE, 99.0, False, id="the taint is not ours"),
        pytest.param(CLAIMED, None, 59.0, False, id="without volumes, and ready for a short time"),
        pytest.param(CLAIMED, None, 60.0, True, id="without volumes, and ready for long"),
        pytest.param(node(annotations=OURS), None, 60.0, False, id="without volumes, and not ready"),
    ],
)
def test_when_our_taint_may_go(
    returned: NodeRecord, state: ServerState | None, ready_seconds: float, clears: bool
) -> None:
    assert failover.has_returned(returned, state, ready_seconds, TAINT) is clears
