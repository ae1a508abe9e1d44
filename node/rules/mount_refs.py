"""Which mounts of a volume are uses of it: not its staging mounts, nor what is seen of one mount through another path.

kubelet's directory may be visible under two paths (a bind mount, a host install). And a volume may be staged twice,
by a kubelet that has changed its staging paths (1.24) or was given another root directory.

Source: pkg/volume/util/util.go, HasMountRefs: what is the same below ``/plugins/kubernetes.io/`` is the same mount.
"""

import re
from collections.abc import Iterable

_PLACE = re.compile(r"/(?:plugins/kubernetes\.io|pods/[^/]+/volume[^/]*)/.*", re.DOTALL)  # volumes, volumeDevices, …
_STAGING = re.compile(r"/plugins/kubernetes\.io/csi/.*/globalmount", re.DOTALL)


def uses(points: Iterable[str], staging_paths: Iterable[str], *own: str) -> list[str]:
    """Return which of ``points`` are neither staging mounts nor one of ``own``, under whatever path they are seen."""
    known = {_place(path) for path in (*staging_paths, *own)}
    return sorted({point for point in points if _place(point) not in known and not _is_staging(point)})


def other_stagings(points: Iterable[str], staging_paths: Iterable[str], path: str) -> list[str]:
    """Return which of ``points`` are staging mounts beside ``path``."""
    known = {_place(each) for each in staging_paths}
    return sorted(
        {point for point in points if _place(point) != _place(path) and (_place(point) in known or _is_staging(point))}
    )


def _place(path: str) -> str:
    """Return the part of a path that does not depend on where kubelet's directory is seen."""
    found = _PLACE.search(path)
    return path if found is None else found[0]


def _is_staging(point: str) -> bool:
    return _STAGING.search(point) is not None and point.endswith("/globalmount")
