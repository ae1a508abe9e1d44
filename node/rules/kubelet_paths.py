"""Which PersistentVolume a path of kubelet's belongs to. The node has no credential to ask.

Source: Kubernetes pkg/volume/csi (csi_mounter, csi_block): where a volume is published and staged.
"""

import re
from collections.abc import Iterable

_NAME = r"(?P<name>[^/]+)"
_PLACES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"/pods/[^/]+/volumes/kubernetes\.io~csi/{_NAME}/mount$",
        rf"/kubernetes\.io/csi/volumeDevices/(?:publish|staging)/{_NAME}(?:/|$)",
        rf"/kubernetes\.io/csi/pv/{_NAME}/globalmount$",
    )
)


def persistent_volume(paths: Iterable[str], volume_name: str) -> str:
    """Return the name of the PersistentVolume; that of the volume in the cloud if no path tells."""
    matches = (place.search(path) for path in paths for place in _PLACES)
    return next((match["name"] for match in matches if match), volume_name)
