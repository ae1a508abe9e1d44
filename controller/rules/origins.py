"""What a volume was made of, kept in the volume's own description, where it survives every restart.

The first words are those of csi-digitalocean 4.16, so volumes of both look alike.
"""

import re

from common import errors
from controller.records import BLANK, Source

DESCRIPTION = "Created by DigitalOcean CSI driver"

_MARK = re.compile(re.escape(DESCRIPTION) + r", from (snapshot|volume) ([0-9a-f-]{36})")


def describe(source: Source) -> str:
    """Return the description of a volume made of ``source``."""
    return f"{DESCRIPTION}, from {source}" if source.origin else DESCRIPTION


def read(description: str) -> Source:
    """Return what the description tells; a blank volume, or one that somebody else made, tells nothing."""
    mark = _MARK.fullmatch(description)
    if mark is None:
        return BLANK
    kind, source_id = mark.groups()
    return Source(snapshot_id=source_id) if kind == "snapshot" else Source(volume_id=source_id)


def check(name: str, wanted: Source, description: str) -> None:
    """Compare an existing volume's source with the one that is asked for. Raises AlreadyExists.

    A description that is not ours tells nothing, and is let pass: the volume may have been made by csi-digitalocean.
    """
    found = read(description)
    untold = found == BLANK and description != DESCRIPTION
    if found != wanted and not untold:
        raise errors.AlreadyExists(f"volume {name} exists and was made of {found}, not of {wanted}")
