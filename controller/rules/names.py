"""Names and ids: which CSI names the cloud accepts as they are, what the others become, which ids are asked for.

An id is opaque: what it looks like proves nothing, so the cloud is asked. Sources: CSI 1.13 "Size Limits" (names and
ids hold up to 128 bytes) and "CreateVolumeRequest" (no control characters).
"""

import hashlib
import re

from common import errors
from controller.cloud.traits import TextRule

LONGEST_BYTES = 128

_ODD = re.compile(r"[^a-z0-9]+")
_READABLE, _HASH = 30, 28  # characters of a mapped name; 28 hex digits leave no collision to fear


def cloud_name(name: str, what: str, rule: TextRule, reserved: str = "") -> str:
    """Return the name under which the cloud knows ``name``: itself if accepted, else one that only ``name`` maps to.

    ``what`` is "volume" or "snapshot", for the error. A name that begins with ``reserved``, if that is not empty, is
    mapped too. What a name becomes, every cloud accepts. Raises InvalidArgument.
    """
    if not name:
        raise errors.InvalidArgument(f"a {what} needs a name")
    if len(name.encode(errors="replace")) > LONGEST_BYTES:
        raise errors.InvalidArgument(f"the {what}'s name is longer than {LONGEST_BYTES} bytes")
    if any(not letter.isprintable() for letter in name):
        raise errors.InvalidArgument(f"the {what}'s name holds a character that cannot be printed")
    if rule.accepts(name) and not (reserved and name.startswith(reserved)):
        return name
    readable = _ODD.sub("-", name.lower())[:_READABLE].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
    return f"csi-{readable}-{digest}" if readable else f"csi-{digest}"


def check_id(text: str, what: str) -> str:
    """Return ``text`` if CSI lets it be the id of a ``what``. Raises InvalidArgument."""
    if not text:
        raise errors.InvalidArgument(f"the request names no {what}")
    if len(text.encode(errors="replace")) > LONGEST_BYTES or not text.isprintable():
        raise errors.InvalidArgument(
            f"{shown(text)} is not the id of a {what}: longer than {LONGEST_BYTES} bytes, or not printable",
            remedy=f"make the object that has it as its handle again, with the id of the {what} in the cloud",
        )
    return text


def shown(text: str) -> str:
    """Return ``text`` fit for a message: short, on one line."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
