"""Whether a program gets on: the processor time it has used, and the bytes it has read and written.

Source: proc_pid_stat(5), proc_pid_io(5).
"""

from contextlib import suppress
from pathlib import Path

_USER_TIME, _SYSTEM_TIME = 11, 12  # fields of stat behind the name
_BYTES = ("rchar", "wchar", "read_bytes", "write_bytes")


def of(pid: int, proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Return counters of which at least one grows while the process works; they are the same if it does nothing.

    They are kept in memory: reading them does not wait, though the process waits for a disk.
    """
    found: list[int] = []
    with suppress(OSError, ValueError, IndexError):
        fields = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        found += [int(fields[_USER_TIME]), int(fields[_SYSTEM_TIME])]
    with suppress(OSError, ValueError):
        lines = (proc / str(pid) / "io").read_text(errors="replace").splitlines()
        counted = dict(line.split(": ", 1) for line in lines)
        found += [int(counted.get(name, "0")) for name in _BYTES]
    return tuple(found)
