"""What nobody has told of a disk, a file system or a request is not claimed of it."""

from node.records import findings, kernel, probes, requests, state
from node.rules import condition
from tests.harness import defaults


def test_what_a_record_is_not_told_it_does_not_claim() -> None:
    told = defaults.not_empty(findings, kernel, probes, requests, state, condition)
    assert told == {"Superblock.devices": 1}


def test_no_passphrase_is_in_a_repr() -> None:
    assert repr(requests.Keys(b"one", b"two")) == "Keys()"
