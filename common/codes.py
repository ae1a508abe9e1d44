"""Codes of what goes wrong in either service: stable, for a search, a runbook or an alert.

Each has its section in docs/reference/codes.md. A code is never given a second meaning, nor a new number.
"""

from enum import StrEnum


class Code(StrEnum):
    """G: general. The controller has C, the node N, the warden W."""

    REFUSED = "AIOCSI-G001"
    NOT_FINAL = "AIOCSI-G002"
    INTERNAL = "AIOCSI-G003"
    MALFORMED_REQUEST = "AIOCSI-G010"
    ACCESS_MODE = "AIOCSI-G011"
    FILE_SYSTEM_TYPE = "AIOCSI-G012"
    MOUNT_OPTIONS = "AIOCSI-G013"
    FORMAT_PARAMETERS = "AIOCSI-G014"
    ENCRYPTION_PARAMETERS = "AIOCSI-G015"
    NOT_OFFERED = "AIOCSI-G016"
    BUSY = "AIOCSI-G020"
    OUT_OF_TIME = "AIOCSI-G021"
    OVERLOADED = "AIOCSI-G022"
    SHUTTING_DOWN = "AIOCSI-G023"
    STALE_LIST = "AIOCSI-G024"
    TRANSPORT = "AIOCSI-G025"
    METADATA = "AIOCSI-G030"
    ENDPOINT = "AIOCSI-G031"
    DIRECTORY = "AIOCSI-G032"


GENERIC = frozenset({Code.REFUSED, Code.NOT_FINAL})  # say no more than the status: each raise has a better one
