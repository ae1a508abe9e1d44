"""Which of several events tells why a link is broken."""

import pytest

from kubectl_aiocsi.records import Object
from kubectl_aiocsi.rules.causes import cause_of
from kubectl_aiocsi.rules.link import State, telling
from tests.unit.kubectl_aiocsi.world import ago

VAGUE = Object({"message": "something went wrong"})
CAUSE = Object({"message": "rpc error: code = Unavailable desc = the cloud refuses the API token"})


def test_the_states_of_a_link_are_the_words_of_the_output() -> None:
    assert [state.value for state in State] == ["ok", "broken", "waiting", "unknown"]


def test_the_event_that_tells_a_cause_goes_before_an_older_one_that_does_not() -> None:
    assert telling([VAGUE, CAUSE]).json == CAUSE.json
    assert telling([VAGUE]).json == VAGUE.json
    assert not telling([])


def test_what_an_older_driver_says_without_a_code_is_known_by_its_words() -> None:
    assert cause_of("the passphrase opens no key slot", "") == "passphrase"


@pytest.mark.parametrize(("minutes", "tells"), [(10, CAUSE), (10.1, VAGUE)])
def test_a_cause_that_was_told_long_before_the_newest_event_is_over(minutes: float, tells: Object) -> None:
    newest, cause = {**VAGUE.json, "lastTimestamp": ago(0)}, {**CAUSE.json, "lastTimestamp": ago(minutes)}
    assert telling([Object(newest), Object(cause)]).text("message") == tells.text("message")
