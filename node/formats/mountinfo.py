"""Read /proc/self/mountinfo.

Source: man 5 proc_pid_mountinfo. Space, tab, newline and backslash are written as three octal digits.
"""

import re
from functools import lru_cache

from node.records.kernel import Mount

_ESCAPE = re.compile(r"\\([0-7]{3})")


def parse(text: str) -> tuple[Mount, ...]:
    """Return the mounts, oldest first. A line of a form that is not known raises ValueError."""
    return tuple(_line(line) for line in text.split("\n") if line)


def at(mounts: tuple[Mount, ...], path: str) -> tuple[Mount, ...]:
    """Return what is mounted at ``path``, the mount that is seen there last."""
    return tuple(mount for mount in mounts if mount.point == path)


def covering(mounts: tuple[Mount, ...], path: str) -> Mount | None:
    """Return the mount in which ``path`` lies."""
    best = None
    for mount in mounts:
        prefix = mount.point.rstrip("/") + "/"
        if (path + "/").startswith(prefix) and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


@lru_cache(maxsize=1024)  # most lines of one look are those of the look before
def _line(line: str) -> Mount:
    left, separator, right = line.partition(" - ")
    fields, more = left.split(" "), right.split(" ")
    if not separator or len(fields) < 6 or len(more) < 3:
        raise ValueError(f"not a line of mountinfo: {line!r}")
    return Mount(
        id=int(fields[0]),
        parent=int(fields[1]),
        number=fields[2],
        root=_unescape(fields[3]),
        point=_unescape(fields[4]),
        options=frozenset(fields[5].split(",")),
        shared=any(tag.startswith("shared:") for tag in fields[6:]),
        kind=more[0],
        source=_unescape(more[1]),
        super_options=frozenset(more[2].split(",")),
    )


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), field)
