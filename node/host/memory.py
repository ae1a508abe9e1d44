"""How much memory this container may take, and what of it a program may take, so that it does not end the service.

Where the kernel ends a whole container that is out of memory (memory.oom.group of cgroup v2, which kubelet sets since
1.28), one check of a large file system would take the service along, and with it all volumes of the node. A program
with a limit of its own is told that there is no memory, and ends by itself.

Sources: kernel Documentation/admin-guide/cgroup-v2 (memory.max, memory.oom.group), cgroup-v1/memory; prlimit(2);
proc_pid_oom_score_adj(5).
"""

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OF_THE_SERVICE = 96 << 20  # bytes that are left to the service itself, and to what else runs
LEAST = 128 << 20  # bytes: what every program needs to work at all, its libraries included
_FIRST_TO_GO = b"1000"  # the highest oom_score_adj: the kernel kills a program before the service
_UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number beyond that


def for_programs(root: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc/self/cgroup")) -> int:
    """Return how many bytes of address space one program may take; 0: the container has no limit."""
    limits = [limit for path in _files(root, proc) if (limit := _number(path)) and limit < _UNLIMITED]
    return max(min(limits) - OF_THE_SERVICE, LEAST) if limits else 0


def restrict(pid: int, limit_bytes: int) -> None:
    """Limit the address space of a program that was just started, and let the kernel kill it before the service.

    One that has ended already, or that is another user's, is left alone.
    """
    with suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "wb", buffering=0) as file:  # noqa: PTH123  # at once
        file.write(_FIRST_TO_GO)
    if limit_bytes:
        with suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_AS, (limit_bytes, limit_bytes))


def _files(root: Path, proc: Path) -> Iterator[Path]:
    """Yield where the limit may be: in a namespace of its own a container sees its group as the root."""
    for group in ("", *_groups(proc)):
        yield root / group / "memory.max"
        yield root / "memory" / group / "memory.limit_in_bytes"


def _groups(proc: Path) -> Iterator[str]:
    with suppress(OSError):
        for line in proc.read_text(encoding="utf-8", errors="replace").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or "memory" in controllers.split(","):
                yield path.lstrip("/")


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii", errors="replace"))  # "max": no limit
    except (OSError, ValueError):
        return 0
