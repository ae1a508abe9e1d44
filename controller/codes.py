"""The controller's codes of what goes wrong; docs/reference/codes.md has a section for each.

A code is never given a second meaning, nor a new number.
"""

from enum import StrEnum


class Code(StrEnum):
    """By what is at fault: access to the cloud, what was asked for, the cloud's state, limits, settings."""

    TOKEN_MISSING = "AIOCSI-C010"  # noqa: S105  # a code
    TOKEN_REFUSED = "AIOCSI-C011"  # noqa: S105  # a code
    TOKEN_SCOPES = "AIOCSI-C012"  # noqa: S105  # a code
    TOKEN_UNPROVEN = "AIOCSI-C013"  # noqa: S105  # a code
    RATE_LIMIT = "AIOCSI-C014"
    CLOUD_SILENT = "AIOCSI-C015"
    ANSWER_UNPROVEN = "AIOCSI-C016"
    ANSWER_ODD = "AIOCSI-C017"
    CLOUD_REFUSED = "AIOCSI-C018"
    CALLER_GONE = "AIOCSI-C019"

    VOLUME_GONE = "AIOCSI-C020"
    SNAPSHOT_GONE = "AIOCSI-C021"
    NODE_GONE = "AIOCSI-C022"
    SOURCE_GONE = "AIOCSI-C023"

    NAME_TAKEN = "AIOCSI-C030"
    SIZE = "AIOCSI-C031"
    OTHER_ZONE = "AIOCSI-C032"
    READ_ONLY = "AIOCSI-C033"
    TAGS = "AIOCSI-C034"
    PARAMETERS = "AIOCSI-C035"
    TOPOLOGY = "AIOCSI-C036"

    ATTACHED_ELSEWHERE = "AIOCSI-C040"
    EVENT_PENDING = "AIOCSI-C041"
    ACTION_FAILED = "AIOCSI-C042"
    ACTION_SLOW = "AIOCSI-C043"
    SERVER_BUSY = "AIOCSI-C044"
    STILL_ATTACHED = "AIOCSI-C045"
    NOT_ATTACHED = "AIOCSI-C046"
    NOT_SHOWN_YET = "AIOCSI-C047"

    SERVER_FULL = "AIOCSI-C050"
    ACCOUNT_FULL = "AIOCSI-C051"
    SNAPSHOT_LIMIT = "AIOCSI-C052"

    SETTINGS = "AIOCSI-C060"
