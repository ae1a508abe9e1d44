"""What an engine and three nodes need of the host, and what dockerd does to its network: done, and undone again.

dockerd turns on forwarding, sets the policy of FORWARD to DROP, and adds chains and rules of its own. It leaves all of
that behind when it ends.
"""

import json
from pathlib import Path

from tests.harness.tools import ToolFailed, run

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES = 1024  # each node's systemd and kubelet want some; the default of 128 is used up by three nodes
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = "docker0"
MARKS = ("DOCKER", BRIDGE, " br-")


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
    FORWARDING.write_text(before["forwarding"])
    INOTIFY.write_text(before["inotify"])
    try:
        run("ip", "link", "delete", BRIDGE)
    except ToolFailed as error:
        if "Cannot find device" not in str(error):
            raise
    file.unlink()
