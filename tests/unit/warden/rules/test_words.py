"""The words of Events."""

from datetime import UTC, datetime

from warden.records import ServerState
from warden.rules import words

WHERE = words.Where("n1", "101", 4)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def test_a_lost_node_names_the_command() -> None:
    command = "kubectl taint node n1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    assert words.lost_node(WHERE, ServerState.OFF, NOON, "") == (
        f"server 101 of node n1 is off, seen since 12:00 UTC; 4 volumes cannot move. If it stays off: {command}"
    )
    assert words.lost_node(words.Where("n1", "101", 1), ServerState.GONE, NOON, "nobody may") == (
        "server 101 of node n1 does not exist, seen since 12:00 UTC; 1 volume cannot move. It is not tainted "
        f"automatically: nobody may. If it stays off: {command}"
    )


def test_every_text_names_the_node() -> None:
    for told in (words.tainted_node(WHERE), words.cleared_node("n1"), words.deleted_node("n1", "pv")):
        assert "n1" in told
    assert "Kubernetes detaches it 6 minutes after" in words.deleted_node("n1", "pv")
