"""What a refusal in the API's own words means to the driver.

Sources: DigitalOcean API v2; the texts of 403, 422 and 429 are those that csi-digitalocean 4.16 meets.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from common import errors
from common.codes import GENERIC, ErrorCode
from controller.cloud import cloud_errors
from controller.codes import Code
from controller.digitalocean.http import Refusal

_TEXTS: tuple[tuple[type[errors.DriverError], tuple[str, ...], str], ...] = (
    (cloud_errors.EventPending, ("pending event", "is being processed", "another action"), ""),
    (cloud_errors.AlreadyAttached, ("already attached",), ""),
    (cloud_errors.NotAttached, ("attachment not found",), ""),
    (cloud_errors.ServerFull, ("cannot attach more",), "schedule the pod on another node"),
    (
        cloud_errors.SnapshotLimit,
        ("snapshot limit", "too many snapshots", "snapshots per volume", "snapshot every", "minutes"),
        "delete old snapshots of the volume, or wait: the cloud takes one of a volume every 10 minutes, 25 in all",
    ),
)
NO_SNAPSHOT = "not a snapshot"  # of a 400: the id is of another thing (snapshots_get, snapshots_delete)
_INTERVAL = re.compile(r"per (?:([0-9]{1,2})h)?(?:([0-9]{1,3})m)?(?:([0-9]{1,4})s)?")  # as in "one request per 10m0s"


@contextmanager
def refusals(
    conflict: type[errors.Refused] = errors.FailedPrecondition,
    too_soon: type[errors.ResourceExhausted] = errors.ResourceExhausted,
) -> Iterator[None]:
    """Turn a refusal into what it means; for this request, 409 means ``conflict``, and 429 ``too_soon``."""
    try:
        yield
    except Refusal as refusal:
        if refusal.code == 404 or (refusal.code == 400 and NO_SNAPSHOT in refusal.text.lower()):
            raise cloud_errors.Gone(refusal.message) from None
        raise _meaning(refusal, conflict, too_soon) from None


def _meaning(
    refusal: Refusal, conflict: type[errors.Refused], too_soon: type[errors.ResourceExhausted]
) -> errors.DriverError:
    found = _of_change(refusal, conflict, too_soon)
    if refusal.of_change:
        return found
    forbidden = found.error_code is Code.TOKEN_SCOPES
    kind = cloud_errors.LookForbidden if forbidden else cloud_errors.LookRefused
    return kind(found.message, remedy=found.remedy, error_code=found.error_code)


def _of_change(
    refusal: Refusal, conflict: type[errors.Refused], too_soon: type[errors.ResourceExhausted]
) -> errors.DriverError:
    text, message = refusal.text.lower(), refusal.message
    if refusal.code == 403:
        return _forbidden(text, message)
    if refusal.code == 429:
        return _later(refusal, too_soon)
    for kind, words, remedy in _TEXTS:
        if any(each in text for each in words):
            return kind(message, remedy=remedy)
    if refusal.code == 409:
        return conflict(message, error_code=_or_refused(conflict))
    return (
        errors.InvalidArgument(message, error_code=Code.CLOUD_REFUSED)
        if refusal.code == 400
        else errors.FailedPrecondition(message, error_code=Code.CLOUD_REFUSED)
    )


def _or_refused(kind: type[errors.DriverError]) -> ErrorCode:
    return Code.CLOUD_REFUSED if kind.default_code in GENERIC else kind.default_code


def _forbidden(text: str, message: str) -> errors.DriverError:
    if "limit" in text:
        return cloud_errors.AccountFull(message, remedy="delete volumes, or ask the cloud to raise the account's limit")
    return errors.FailedPrecondition(
        message, remedy="give the API token the scopes that the driver needs", error_code=Code.TOKEN_SCOPES
    )


def _later(refusal: Refusal, too_soon: type[errors.ResourceExhausted]) -> errors.ResourceExhausted:
    """The cloud limits this one operation, which has nothing to do with the account's limit of requests."""
    seconds = refusal.retry_after or _interval_seconds(refusal.text)
    when = f"; retry after {seconds:.0f} s" if seconds else ""
    return too_soon(
        f"{refusal.message}{when}",
        remedy="wait: the cloud limits how often this may be done",
        error_code=_or_refused(too_soon),
    )


def _interval_seconds(text: str) -> float:
    """Return the longest time that one has to wait by the text, seconds; 0 if it does not say."""
    found = _INTERVAL.search(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return float(min(3600, 3600 * hours + 60 * minutes + seconds))
