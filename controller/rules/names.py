"""Names and ids: which CSI names the cloud accepts as they are, what the others become, what an id looks like.

Sources: CSI 1.13 "Size Limits" (names hold up to 128 bytes) and "CreateVolumeRequest" (no control characters);
DigitalOcean API "volumes_create" (lower-case letters, digits, ``-``; at most 64; a letter first).
"""

import hashlib
import re

from common import errors

LONGEST_BYTES = 128

_ACCEPTED = re.compile(r"[a-z][a-z0-9-]{0,63}")
_ODD = re.compile(r"[^a-z0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SERVER_ID = re.compile(r"[1-9][0-9]{0,18}")
_READABLE, _HASH = 30, 28  # characters of a mapped name; 28 hex digits leave no collision to fear


def cloud_name(name: str, what: str) -> str:
    """Return the name under which the cloud knows ``name``: itself if accepted, else one that only ``name`` maps to.

    ``what`` is "volume" or "snapshot", for the error. Raises InvalidArgument.
    """
    if not name:
        raise errors.InvalidArgument(f"a {what} needs a name")
    if len(name.encode(errors="replace")) > LONGEST_BYTES:
        raise errors.InvalidArgument(f"the {what}'s name is longer than {LONGEST_BYTES} bytes")
    if any(not letter.isprintable() for letter in name):
        raise errors.InvalidArgument(f"the {what}'s name holds a character that cannot be printed")
    if _ACCEPTED.fullmatch(name):
        return name
    readable = _ODD.sub("-", name.lower())[:_READABLE].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"csi-{readable}-{digest}" if readable else f"csi-{digest}"


def is_uuid(text: str) -> bool:
    """Say whether ``text`` may be the id of a volume or snapshot."""
    return _UUID.fullmatch(text) is not None


def is_server_id(text: str) -> bool:
    """Say whether ``text`` may be the id of a server."""
    return _SERVER_ID.fullmatch(text) is not None and int(text) < 1 << 63


def shown(text: str) -> str:
    """Return ``text`` fit for a message: short, on one line."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
