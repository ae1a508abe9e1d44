"""The window of a minute: what a peer says never decides alone how long it stays closed, or how large it grows."""

import pytest

from controller.pacing.minute_limit import MinuteLimit

HOUR = 3600.0


def test_a_long_refusal_closes_two_minutes_and_then_one_request_at_a_time_asks() -> None:
    window = MinuteLimit(250)
    window.use(0.0)
    window.refuse(1.0, HOUR)
    assert window.opens_at(2.0, 1.0) == 121.0
    window.use(121.0)
    assert window.opens_at(121.0, 1.0) == 123.0
    window.admit(121.5)
    assert window.opens_at(121.5, 1.0) == 121.5


def test_an_answer_to_what_was_sent_before_the_refusal_opens_nothing() -> None:
    window = MinuteLimit(250)
    window.refuse(1.0, 10.0)
    window.admit(2.0)
    window.use(11.0)
    assert window.opens_at(11.0, 1.0) == 13.0


@pytest.mark.parametrize("count", [10**3, 10**12, 10**18])
def test_what_others_sent_is_counted_in_little_memory_and_leaves_us_half(count: int) -> None:
    window = MinuteLimit(250)
    for moment in range(3000):
        window.others(moment / 100, count)
    for _ in range(125):
        assert window.opens_at(30.0, 1.0) == 30.0
        window.use(30.0)
    assert window.opens_at(30.0, 1.0) > 30.0
    assert len(window._others) <= 62
