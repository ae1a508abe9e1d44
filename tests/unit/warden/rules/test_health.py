"""Health in Kubernetes' words, within its bounds."""

from warden.records import HealthCondition, Reference
from warden.rules import health

CLAIM = Reference("v1", "PersistentVolumeClaim", "apps", "data", "u1")
CONDITION = HealthCondition("Degraded", "AttachedTwice", "on two nodes")
JSON = {"status": "Degraded", "reason": "AttachedTwice", "message": "on two nodes"}


def test_texts_are_cut_to_bytes_and_not_within_a_letter() -> None:
    found = health.bounded(HealthCondition("Degraded", "R" * 300, "é" * 1000))
    assert (found.reason, found.message) == (f"{'R' * 253}…", f"{'é' * 510}…")
    assert health.bounded(CONDITION) == CONDITION


def test_what_is_applied_names_this_very_claim_and_nothing_but_its_health() -> None:
    metadata = {"namespace": "apps", "name": "data", "uid": "u1"}
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
    shown = {"healthStatus": {"healthConditions": [JSON], "lastTransitionTime": "t"}}
    assert health.applied(CLAIM, [CONDITION], "t") == {**head, "status": shown}
    assert health.applied(CLAIM, [], "t") == {**head, "status": {}}


def test_no_more_is_applied_than_kubernetes_takes() -> None:
    many = [HealthCondition("Degraded", f"R{number}", "") for number in range(20)]
    assert len(health.shown(health.applied(CLAIM, many, "t"))) == 16


def test_a_claim_that_a_warden_has_written_is_known_by_its_fields() -> None:
    status = {"healthStatus": {"healthConditions": [JSON]}}
    metadata = {"namespace": "apps", "name": "data", "uid": "u1"}
    names = (health.manager("one"), health.manager("two"), "kubelet")
    ours, *others = ({**metadata, "managedFields": [{"manager": name}]} for name in names)
    assert health.written({"metadata": ours, "status": status}, "one") == (CLAIM, (CONDITION,))
    assert [health.written({"metadata": each, "status": status}, "one") for each in others] == [None, None]
    assert health.written({"metadata": ours, "status": {}}, "one") is None


def test_an_api_server_without_the_field_is_known_by_what_it_says() -> None:
    assert health.is_unknown("PATCH: .status.healthStatus: field not declared in schema (HTTP 500)")
    assert not health.is_unknown("PATCH: no answer")
