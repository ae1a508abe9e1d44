"""What a docker engine does to the host's network, and how it is undone when the engine was ours.

dockerd turns on forwarding, sets the policy of FORWARD to DROP, and adds chains and rules of its own. It leaves all of
that behind when it ends.
"""

import json
from pathlib import Path

from tests.harness.tools import ToolFailed, run

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = "docker0"
MARKS = ("DOCKER", BRIDGE, " br-")


def remember(file: Path) -> None:
    """Note how forwarding is, before the engine changes it. Raises ToolFailed."""
    policy = run("iptables", "-S", "FORWARD").splitlines()[0].split()[-1]
    file.write_text(json.dumps({"forwarding": FORWARDING.read_text().strip(), "policy": policy}))


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
    try:
        run("ip", "link", "delete", BRIDGE)
    except ToolFailed as error:
        if "Cannot find device" not in str(error):
            raise
    file.unlink()
