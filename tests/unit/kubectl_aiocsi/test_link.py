"""Which of several events tells why a link is broken."""

from kubectl_aiocsi.records import Object
from kubectl_aiocsi.rules.link import telling

VAGUE = Object({"message": "something went wrong"})
CAUSE = Object({"message": "rpc error: code = Unavailable desc = the cloud refuses the API token"})


def test_the_event_that_tells_a_cause_goes_before_an_older_one_that_does_not() -> None:
    assert telling([VAGUE, CAUSE]).json == CAUSE.json
    assert telling([VAGUE]).json == VAGUE.json
    assert not telling([])
