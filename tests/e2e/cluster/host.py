"""What an engine and three nodes need of the host, and what dockerd does to its network: done, and undone again.

dockerd turns on forwarding, sets the policy of FORWARD to DROP, and adds chains and rules of its own. It leaves all of
that behind when it ends.
"""

import json
import os
from pathlib import Path

from tools.processes.run import ToolFailed, run

CGROUPS = Path("/sys/fs/cgroup")
CGROUP = "aiocsi-e2e"
"""The engine's containers are below it, in each hierarchy; the engine leaves its empty groups behind."""

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024  # each node's systemd and kubelet want some; the default of 128 is used up by three nodes
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = "docker0"
MARKS = ("DOCKER", BRIDGE, " br-")


def missing() -> list[str]:
    """Return what a cluster needs of this machine and does not get."""
    needed = {
        "root": os.geteuid() == 0,
        "loop devices (/dev/loop-control)": Path("/dev/loop-control").exists(),
        "overlayfs": "overlay" in Path("/proc/filesystems").read_text().split(),
        "control groups (/sys/fs/cgroup)": CGROUPS.is_mount(),
        "the kernel's packet filter (iptables -t nat)": _filters(),
    }
    return [name for name, there in needed.items() if not there]


def _filters() -> bool:
    try:
        run("iptables", "-t", "nat", "-S")
    except (ToolFailed, FileNotFoundError):
        return False
    return True


def prepare(file: Path) -> None:
    """Note how the host is, unless that was done before, and give it what the nodes need. Raises ToolFailed."""
    if not file.exists():
        policy = run("iptables", "-S", "FORWARD").splitlines()[0].split()[-1]
        before = {"policy": policy, "forwarding": FORWARDING.read_text(), "inotify": INOTIFY.read_text()}
        file.write_text(json.dumps(before))
    if int(INOTIFY.read_text()) < INOTIFY_INSTANCES:
        INOTIFY.write_text(str(INOTIFY_INSTANCES))


def restore(file: Path) -> None:
    """Take out the engine's rules, chains and bridge, and leave everybody else's; do nothing if nothing was noted."""
    if not file.exists():
        return
    before = json.loads(file.read_text())
    rules = run("iptables-save").splitlines(keepends=True)
    kept = "".join(line for line in rules if not any(mark in line for mark in MARKS))
    run("iptables-restore", stdin=kept.encode())
    run("iptables", "-P", "FORWARD", before["policy"])
    remove_cgroups()
    FORWARDING.write_text(before["forwarding"])
    INOTIFY.write_text(before["inotify"])
    try:
        run("ip", "link", "delete", BRIDGE)
    except ToolFailed as error:
        if "Cannot find device" not in str(error):
            raise
    file.unlink()


def remove_cgroups(root: Path = CGROUPS) -> None:
    """Remove the groups of containers that have ended; one that still has a process in it makes an OSError."""
    for top in (root / CGROUP, *root.glob(f"*/{CGROUP}")):
        for folder in sorted((path for path in (top, *top.rglob("*")) if path.is_dir()), reverse=True):
            folder.rmdir()
