"""How fast a device may read and write: the kernel's blkio controller of cgroup v1 holds it back.

It holds what the root group does: its reads, and all writes that go through the page cache. cgroup v2 has no limit for
the root group, so on a host with v2 alone no disk can be slow on purpose.

Source: kernel Documentation/admin-guide/cgroup-v1/blkio-controller.rst (throttle.read_bps_device, write_bps_device).
"""

from pathlib import Path

CONTROLLER = Path("/sys/fs/cgroup/blkio")
_LIMITS = ("blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device")


def limit(device: str, bytes_per_second: int) -> None:
    """Hold ``device`` (``major:minor``) to that pace from now on. Raises OSError where the kernel cannot."""
    for name in _LIMITS:
        (CONTROLLER / name).write_text(f"{device} {bytes_per_second}")


def release(device: str) -> None:
    """Let the device be as fast as it can; one that no one holds back is left alone."""
    if CONTROLLER.is_dir() and limits(device):
        limit(device, 0)


def limits(device: str) -> list[int]:
    """Return the limits that hold for the device, bytes a second."""
    lines = (line.split() for name in _LIMITS for line in (CONTROLLER / name).read_text().splitlines())
    return [int(pace) for number, pace in lines if number == device]
