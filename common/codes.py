"""Codes of what goes wrong in either service: stable, for a search, a runbook or an alert.

Each has its section in docs/reference/codes.md. A code is never given a second meaning, nor a new number.
"""

from enum import StrEnum
from typing import Self


class ErrorCode(StrEnum):
    """A code, and what to do about an error that has no remedy of its own."""

    remedy: str

    def __new__(cls, code: str, remedy: str) -> Self:
        """Make the member whose value is ``code``."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.remedy = remedy
        return member


class Code(ErrorCode):
    """G: general. The controller has C, the node N, the warden W."""

    REFUSED = "AIOCSI-G001", "report the line of the log: a refusal without a code is a fault of the driver"
    NOT_FINAL = "AIOCSI-G002", "nothing to do: the call is repeated; report the line of the log if that goes on"
    INTERNAL = (
        "AIOCSI-G003",
        "nothing to do: the call is repeated; report the traceback that the log has for the request",
    )
    MALFORMED_REQUEST = (
        "AIOCSI-G010",
        "correct the call if you made it by hand; else look at the version of kubelet or the sidecar",
    )
    ACCESS_MODE = "AIOCSI-G011", "make the claim again with ReadWriteOnce or ReadWriteOncePod"
    FILE_SYSTEM_TYPE = "AIOCSI-G012", "make the StorageClass again with fsType ext4, xfs or btrfs"
    MOUNT_OPTIONS = "AIOCSI-G013", "correct mountOptions in the StorageClass and in its PersistentVolumes"
    FORMAT_PARAMETERS = "AIOCSI-G014", "correct the parameters of the StorageClass: delete it and make it again"
    ENCRYPTION_PARAMETERS = "AIOCSI-G015", "correct the parameters of the StorageClass: delete it and make it again"
    NOT_OFFERED = "AIOCSI-G016", "nothing to repair: find out who calls it, and stop that"
    BUSY = "AIOCSI-G020", "nothing to do: the call is repeated when the other one has ended"
    OUT_OF_TIME = "AIOCSI-G021", "nothing to do: the call is repeated, and finds what was begun"
    OVERLOADED = (
        "AIOCSI-G022",
        "nothing to do: the call is repeated; look at aiocsi_oldest_call_seconds if that goes on",
    )
    SHUTTING_DOWN = "AIOCSI-G023", "nothing to do: the call is repeated, and the successor of this process answers"
    STALE_LIST = "AIOCSI-G024", "begin the list again, without a token"
    TRANSPORT = "AIOCSI-G025", "nothing to do: the call is repeated; if that goes on, give the pods more processor time"
    METADATA = "AIOCSI-G030", "let the pod reach the metadata service, or set AIOCSI_REGION and AIOCSI_NODE_ID"
    ENDPOINT = (
        "AIOCSI-G031",
        "mount the directory of the socket (hostPath), and stop what else serves it or has the port",
    )
    DIRECTORY = "AIOCSI-G032", "mount the directory into the container, for writing"


GENERIC = frozenset({Code.REFUSED, Code.NOT_FINAL})  # say no more than the status: each raise has a better one
