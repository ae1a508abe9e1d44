"""What an object of the API server tells: when an event was seen, and about whom it is."""

import pytest

from kubectl_aiocsi.records import EVENTS, WARNINGS, Json, Object, Snapshot, first_seen, is_older, last_seen, moment
from tests.unit.kubectl_aiocsi.api_server import NOW
from tests.unit.kubectl_aiocsi.world import ago

EVENT: Json = {
    "series": {"lastObservedTime": ago(1)},
    "lastTimestamp": ago(2),
    "eventTime": ago(3),
    "metadata": {"creationTimestamp": ago(4)},
    "firstTimestamp": ago(5),
}
POD = Object({"metadata": {"name": "web", "namespace": "shop", "uid": "1"}})


@pytest.mark.parametrize(
    ("without", "first", "last"),
    [
        (set(), 5, 1),
        ({"series"}, 5, 2),
        ({"series", "lastTimestamp"}, 5, 3),
        ({"series", "lastTimestamp", "eventTime"}, 5, 4),
        ({"firstTimestamp"}, 3, 1),
        ({"firstTimestamp", "eventTime"}, 4, 1),
    ],
)
def test_of_the_times_of_an_event_the_one_that_says_most_counts(without: set[str], first: int, last: int) -> None:
    event = Object({key: value for key, value in EVENT.items() if key not in without})
    assert (first_seen(event), last_seen(event)) == (moment(ago(first)), moment(ago(last)))


def test_an_event_is_older_than_what_came_after_it_was_seen_last() -> None:
    assert is_older(Object(EVENT), [None, moment(ago(0.9))])
    assert not any(is_older(Object(EVENT), [each]) for each in (moment(ago(2)), moment(ago(1)), None))
    assert not is_older(Object({}), [NOW])


@pytest.mark.parametrize(
    ("about", "is_meant"),
    [
        ({"namespace": "shop", "uid": "1"}, True),
        ({"namespace": "default"}, True),
        ({}, True),
        ({"namespace": "other"}, False),
        ({"namespace": "shop", "uid": "2"}, False),
    ],
)
def test_an_event_is_about_the_object_of_its_namespace_and_uid(about: Json, *, is_meant: bool) -> None:
    event = Object({"involvedObject": {"kind": "Pod", "name": "web", **about}})
    for kind in (EVENTS, WARNINGS):
        assert Snapshot(NOW, lists={kind: [event]}).events_of(POD, "Pod") == [event] * is_meant


def test_what_an_object_does_not_tell_is_empty() -> None:
    assert (Object({}).number("spec", "replicas"), Object({}).text("spec"), Object({}).words("args")) == (0, "", [])
