"""Without settings the warden only reports, and what it has not looked at proves nothing."""

from tests.harness import defaults
from warden import records
from warden.records import ServerState
from warden.rules import failover, findings, volumes_page
from warden.rules.failover import Mode


def test_what_a_record_is_not_told_it_does_not_claim() -> None:
    assert defaults.not_empty(records, failover, findings, volumes_page) == {
        "Policy.mode": Mode.REPORT,
        "Policy.after_seconds": 60,
        "Policy.max_nodes": 1,
        "Policy.looks_apart": 15,
        "Sighting.state": ServerState.UNTOLD,
        "Sighting.last_look": float("-inf"),
    }


def test_the_states_of_a_server_are_the_words_of_a_metric() -> None:
    assert [state.value for state in ServerState] == ["active", "off", "gone", "untold"]
