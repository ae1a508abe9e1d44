"""What a volume was made of, kept in the volume's own description, where it survives every restart.

The first words are those of csi-digitalocean 4.16, so volumes of both look alike. What a newer release adds follows a
comma, and is not read here.
"""

import re

from controller.records import BLANK, Source

DESCRIPTION = "Created by DigitalOcean CSI driver"
BLANK_DESCRIPTION = f"{DESCRIPTION}, blank"

_MARK = re.compile(re.escape(DESCRIPTION) + r", (?:blank|from (snapshot|volume) ([0-9a-f-]{36}))(?:, .*)?", re.DOTALL)


def describe(source: Source) -> str:
    """Return the description of a volume made of ``source``."""
    return f"{DESCRIPTION}, from {source}" if source.origin else BLANK_DESCRIPTION


def read(description: str) -> Source | None:
    """Return what the description tells; None if it does not: csi-digitalocean describes all volumes alike."""
    mark = _MARK.fullmatch(description)
    if mark is None:
        return None
    kind, source_id = mark.groups()
    if kind is None:
        return BLANK
    return Source(snapshot_id=source_id) if kind == "snapshot" else Source(volume_id=source_id)
