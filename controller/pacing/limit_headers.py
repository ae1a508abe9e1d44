"""Waiting times and limits that a reply tells, read in every documented form, bounded, and by the reply's own clock.

A peer's number never decides alone how long the driver waits: what is implausible counts as not told.
Sources: RFC 9110 "Retry-After", "Date"; DigitalOcean API "Rate Limit" (``ratelimit-limit``, ``-remaining``, ``-reset``
in epoch seconds).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

HOUR_SECONDS = 3600.0  # no window of this API is longer
LEAST_SECONDS = 1.0
LARGEST_LIMIT = 1_000_000

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_COUNT = re.compile(r"[0-9]{1,18}")
_EPOCH = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")
_LONGEST_DATE = 64


@dataclass(frozen=True)
class Told:
    """What one reply tells; ``reset_seconds`` from now."""

    limit: int
    remaining: int
    reset_seconds: float


def told(headers: Mapping[str, str], wall_now: float) -> Told | None:
    """Read the rate-limit headers; None if they are absent or odd.

    ``wall_now`` is our own clock, seconds since 1970, for a reply without a date.
    """
    limit, remaining = _count(headers, "ratelimit-limit"), _count(headers, "ratelimit-remaining")
    reset = headers.get("ratelimit-reset", "").strip()
    if limit is None or remaining is None or _EPOCH.fullmatch(reset) is None or not 0 < limit <= LARGEST_LIMIT:
        return None
    seconds = float(reset) - _clock(headers, wall_now)
    return Told(limit, min(remaining, limit), min(HOUR_SECONDS, max(0.0, seconds)))


def retry_after(headers: Mapping[str, str], otherwise: float, wall_now: float) -> float:
    """Return how long a reply asks us to wait, 1 to 3600 s; ``otherwise`` if it does not say, or not plausibly."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    elif (moment := _moment(text)) is not None:
        seconds = moment - _clock(headers, wall_now)
    else:
        return otherwise
    return max(LEAST_SECONDS, seconds) if -HOUR_SECONDS <= seconds <= HOUR_SECONDS else otherwise


def _clock(headers: Mapping[str, str], wall_now: float) -> float:
    """Return the time at which the reply was made, by the clock of whoever made it."""
    moment = _moment(headers.get("date", ""))
    return wall_now if moment is None else moment


def _moment(text: str) -> float | None:
    if not text or len(text) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()  # RFC 9110: each of its forms is in UTC
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _count(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if _COUNT.fullmatch(text) else None
