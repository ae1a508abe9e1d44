"""What a volume id, a volume name and a path may look like. What does not is refused before anything is touched."""

import re
from pathlib import PurePosixPath

from common import errors
from node.codes import Code

LONGEST_PATH = 3800  # bytes; the kernel takes 4,095 in all, and mount needs some of them
LONGEST_PART = 255  # bytes of one name in it
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def volume_id(value: object) -> str:
    """Return the id. Raises InvalidArgument if it is missing or odd."""
    return _matching(value, _ID, "volume_id")


def volume_name(value: object, what: str) -> str:
    """Return the name of the volume in the cloud: a part of a device link's name, so never a path."""
    return _matching(value, _NAME, what)


def path(value: object, what: str) -> str:
    """Return the absolute path, without a slash at its end. Raises InvalidArgument for any other path."""
    if not isinstance(value, str) or not value:
        raise errors.InvalidArgument(f"{what} is missing")
    if not value.startswith("/") or value.startswith("//"):
        raise errors.InvalidArgument(f"{what} {value[:80]!r} is not an absolute path")
    if not value.isprintable() or "\\" in value:
        raise errors.InvalidArgument(f"{what} {value[:80]!r} has a character that no path here has")
    parts = value.split("/")
    if ".." in parts or "." in parts:
        raise errors.InvalidArgument(f"{what} {value[:80]!r} is not a plain path: '.' or '..' is part of it")
    if len(value.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_PART for part in parts):
        raise errors.InvalidArgument(f"{what} is too long ({len(value)} characters)")
    clean = str(PurePosixPath(value))
    if clean == "/":
        raise errors.InvalidArgument(f"{what} is the root folder")
    return clean


def published_path(value: object, what: str) -> str:
    """Like ``path``, for a call that only looks where a volume is published: nothing ever is at a relative path.

    Raises InvalidArgument, NotFound.
    """
    if isinstance(value, str) and value and not value.startswith("/"):
        raise errors.NotFound(
            f"no volume is published at {what} {value[:80]!r}: it is not an absolute path", error_code=Code.NOT_HERE
        )
    return path(value, what)


def _matching(value: object, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not value:
        raise errors.InvalidArgument(f"{what} is missing")
    if not pattern.fullmatch(value):
        raise errors.InvalidArgument(
            f"{what} {value[:80]!r} is not one that this driver gives",
            remedy="make the PersistentVolume again, with the volume's id in the cloud as its volumeHandle",
        )
    return value
