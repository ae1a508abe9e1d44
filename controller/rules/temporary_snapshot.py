"""Which snapshots are the temporary ones of clones: by name and label together, as a person may give either of them."""

import hashlib
import re

from controller.cloud.records import Snapshot

PREFIX = "csi-clone-"
LABEL = "aiocsi-temporary-snapshot"

_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{32}")


def name_of(volume_name: str) -> str:
    """Return the name of the snapshot through which the volume of that name is cloned."""
    return PREFIX + hashlib.sha256(volume_name.encode()).hexdigest()[:32]


def is_temporary(snapshot: Snapshot) -> bool:
    """Say whether a clone has made the snapshot for itself. A cloud may keep a label in another case."""
    labeled = LABEL in {label.lower() for label in snapshot.labels}
    return labeled and _NAME.fullmatch(snapshot.name) is not None
