"""Who uses a path or a device: processes, by their folder, root, program, open or mapped files; loop devices, swap.

Only links and names are read, never what they lead to: a look at a dead mount would hang.

Sources: proc(5), proc_pid_maps(5), proc_swaps(5); kernel Documentation/ABI/testing/sysfs-block-loop.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from node.formats import mountinfo

MOST = 5  # names in a message
_PARTITION = re.compile(r"p?[0-9]*(/|$)")  # what follows the name of a disk, or a path


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


def loops(path: str, sysfs: Path = Path("/sys")) -> tuple[str, ...]:
    """Return up to five loop devices on ``path`` or on files below it, as ``loop3 (on PATH)``; blocks."""
    found: list[str] = []
    for page in sorted((sysfs / "class/block").glob("loop*/loop/backing_file")):
        with suppress(OSError):
            file = page.read_text(encoding="utf-8", errors="replace").rstrip("\n")
            if _below(file, path) and len(found) < MOST:
                found.append(f"{page.parent.parent.name} (on {file})")
    return tuple(found)


def swaps(path: str, page: Path = Path("/proc/swaps")) -> tuple[str, ...]:
    """Return the swap areas on a device or its partitions, or in files below a path; blocks."""
    try:
        lines = page.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return ()
    areas = [line.split()[0] for line in lines if line.startswith(path)]
    return tuple(f"swap on {area}" for area in areas if _PARTITION.match(area, len(path)))


def users_of_mount(path: str) -> tuple[str, ...]:
    """Return who keeps a mount busy: processes, and what no process shows; blocks."""
    return (*users(path), *loops(path), *swaps(path))


def users_of_device(path: str, number: str, *, without: int = 0) -> tuple[str, ...]:
    """Return who uses the device at ``path``: processes, mount namespaces, loop devices on its node; blocks.

    A mount that was taken away lazily (umount -l), and is still used, is shown by none of them.
    """
    mounted = (f"mounted for {holder}" for holder in holders_of_mount(path, number))
    return (*users(path, without=without), *mounted, *loops(path))


def holders_of_mount(path: str, number: str, proc: Path = Path("/proc")) -> tuple[str, ...]:
    """Return up to five processes in whose mount namespace the device is mounted; blocks.

    A btrfs has a number of its own there, so that only the name of its device tells.
    """
    signs = (f" {number} ", f" - btrfs {mountinfo.escape(path)} ")
    found: list[str] = []
    seen: set[str] = set()
    for folder in proc.iterdir():
        namespace = _target(folder / "ns/mnt") if folder.name.isdigit() else ""
        if namespace and namespace not in seen and len(found) < MOST:
            seen.add(namespace)
            with suppress(OSError):
                table = (folder / "mountinfo").read_text("utf-8", "replace")
                if any(sign in table for sign in signs):
                    found.append(f"{_name(folder)} (pid {folder.name})")
    return tuple(found)


def _links(folder: Path) -> Iterator[str]:
    for name in ("cwd", "root", "exe"):
        yield _target(folder / name)
    with suppress(OSError):
        for link in (folder / "fd").iterdir():
            yield _target(link)
    with suppress(OSError):
        maps = (folder / "maps").read_text(encoding="utf-8", errors="replace")
        yield from {line[line.index("/") :] for line in maps.splitlines() if "/" in line}


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
