"""Waiting times and limits that a reply tells: read in every form, bounded, by the reply's own clock."""

import time

import pytest

from controller.pacing.limit_headers import Told, retry_after, told

DEFAULT = 5.0
NOW = 1_767_225_600.0  # 2026-01-01
NOW_TEXT = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("30", 30.0, id="seconds"),
        pytest.param(" 7 ", 7.0, id="blanks"),
        pytest.param("1.5", 1.5, id="a part of a second"),
        pytest.param("0", 1.0, id="zero"),
        pytest.param("3600", 3600.0, id="an hour"),
        pytest.param("Thu, 01 Jan 2026 00:00:40 GMT", 40.0, id="a date"),
        pytest.param("Thursday, 01-Jan-26 00:00:40 GMT", 40.0, id="a date of RFC 850"),
        pytest.param("Thu Jan  1 00:00:40 2026", 40.0, id="a date of asctime"),
        pytest.param("Wed, 31 Dec 2025 23:59:50 GMT", 1.0, id="a date that has just passed"),
        pytest.param("Wed, 01 Jan 2025 00:00:00 GMT", DEFAULT, id="a date long ago"),
        pytest.param("Fri, 02 Jan 2026 00:00:00 GMT", DEFAULT, id="a day from now"),
        pytest.param("86400", DEFAULT, id="a day"),
        pytest.param("1829805381", DEFAULT, id="an epoch time"),
        pytest.param("1e9", DEFAULT, id="an exponent"),
        pytest.param("-1", DEFAULT, id="negative"),
        pytest.param("inf", DEFAULT, id="infinite"),
        pytest.param("nan", DEFAULT, id="not a number"),
        pytest.param("9" * 5000, DEFAULT, id="huge"),
        pytest.param("", DEFAULT, id="empty"),
        pytest.param("Thu, 99 Jan 2026 00:00:40 GMT", DEFAULT, id="no date"),
        pytest.param("Thu, 01 Jan 99999 00:00:40 GMT", DEFAULT, id="no year"),
    ],
)
def test_a_waiting_time_is_bounded_and_an_implausible_one_counts_as_not_told(text: str, seconds: float) -> None:
    assert retry_after({"retry-after": text, "date": NOW_TEXT}, DEFAULT, NOW + 9999) == seconds


def test_without_a_date_of_the_reply_our_own_clock_counts() -> None:
    assert retry_after({"retry-after": "Thu, 01 Jan 2026 00:00:40 GMT"}, DEFAULT, NOW) == 40.0


def test_a_date_that_names_no_zone_is_in_utc_wherever_we_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        waits = retry_after({"retry-after": "Thu Jan  1 00:00:40 2026"}, DEFAULT, NOW)
    time.tzset()
    assert waits == 40.0


def limits(limit: str, remaining: str, reset: str) -> dict[str, str]:
    return {"ratelimit-limit": limit, "ratelimit-remaining": remaining, "ratelimit-reset": reset, "date": NOW_TEXT}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(limits("5000", "4999", str(int(NOW) + 60)), Told(5000, 4999, 60.0), id="as documented"),
        pytest.param(limits("5000", "50000000", str(int(NOW) + 60)), Told(5000, 5000, 60.0), id="more than the limit"),
        pytest.param(limits("5000", "0", str(int(NOW) + 10**6)), Told(5000, 0, 3600.0), id="a far reset"),
        pytest.param(limits("5000", "0", "1"), Told(5000, 0, 0.0), id="a reset that has passed"),
        pytest.param(limits("0", "0", "1"), None, id="no limit"),
        pytest.param(limits("1" + "0" * 17, "9", "1"), None, id="a limit that is none"),
        pytest.param(limits("5000", "9" * 5000, "1"), None, id="too many digits"),
        pytest.param(limits("5000", "-1", "1"), None, id="negative"),
        pytest.param(limits("5000", "1", "nan"), None, id="no moment"),
        pytest.param({"ratelimit-limit": "5000"}, None, id="a part"),
    ],
)
def test_limits_are_clamped_and_odd_ones_are_not_told(headers: dict[str, str], expected: Told | None) -> None:
    assert told(headers, NOW + 9999) == expected
