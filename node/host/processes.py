"""Who uses a path: the processes whose folder, root or open files lie below it.

Only links are read, never what they lead to: a look at a dead mount would hang. Source: proc(5).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOST = 5  # names in a message


def users(path: str, proc: Path = Path("/proc"), *, without: int = 0) -> tuple[str, ...]:
    """Return up to five processes that use ``path`` or what lies below it, as ``name (pid 42)``; blocks.

    ``without`` is a process id that is not looked at.
    """
    found: list[str] = []
    for folder in proc.iterdir():
        if len(found) == MOST:
            break
        if not folder.name.isdigit() or int(folder.name) == without:
            continue
        if any(_below(link, path) for link in _links(folder)):
            found.append(f"{_name(folder)} (pid {folder.name})")
    return tuple(found)


def holders_of_mount(number: str, proc: Path = Path("/proc")) -> tuple[str, ...]:
    """Return up to five processes in whose mount namespace the file system ``number`` is mounted; blocks."""
    found: list[str] = []
    seen: set[str] = set()
    for folder in proc.iterdir():
        namespace = _target(folder / "ns/mnt") if folder.name.isdigit() else ""
        if namespace and namespace not in seen and len(found) < MOST:
            seen.add(namespace)
            with suppress(OSError):
                if f" {number} " in (folder / "mountinfo").read_text("utf-8", "replace"):
                    found.append(f"{_name(folder)} (pid {folder.name})")
    return tuple(found)


def _links(folder: Path) -> Iterator[str]:
    yield _target(folder / "cwd")
    yield _target(folder / "root")
    with suppress(OSError):
        for link in (folder / "fd").iterdir():
            yield _target(link)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115  # text, not a path: it may be "socket:[1]"
    except OSError:
        return ""


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")


def _name(folder: Path) -> str:
    try:
        return (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a process"
