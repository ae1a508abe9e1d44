"""What the warden says of the node, by annotations of this process's own pod: kubelet shows each in a file.

Source: Kubernetes "Downward API".
"""

from pathlib import Path

DRAINING, MAX_VOLUMES = "draining", "max-volumes"


def told(folder: Path | None, name: str) -> str:
    """Return what is said; empty: nothing, or no one can say. Blocks."""
    try:
        return "" if folder is None else (folder / name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return ""
