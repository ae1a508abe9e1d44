"""The embedded cloud of a cluster: it runs on the host, and each of the cluster's nodes is a droplet of it."""

import json
import sys
from pathlib import Path

from tests.e2e.cluster import background
from tests.e2e.cluster.workspace import NODES, Workspace
from tools.services.embedded_cloud import EmbeddedCloud
from tools.venv import ROOT

PORT = 18080
START_SECONDS = 30.0
PID_FILE = "cloud.pid"
OPTIONS = (
    "--disks=loop",
    f"--droplets={len(NODES)}",
    "--region=nyc1",
    "--action-latency=0.5-1.5",
    "--snapshot-interval=0",
    "--rate-hour=0",
    "--rate-minute=0",
)


def up(workspace: Workspace, gateway: str) -> EmbeddedCloud:
    """Start the cloud where the nodes reach it, unless it runs. Raises NotReady."""
    log, pid_file = workspace.logs / "cloud.log", workspace.folder / PID_FILE
    if not pid_file.exists() or not background.alive(int(pid_file.read_text())):
        log.unlink(missing_ok=True)
        argv = [
            sys.executable,
            "-m",
            "localcloud",
            f"--listen={gateway}:{PORT}",
            f"--state={workspace.cloud}",
            *OPTIONS,
        ]
        pid = background.start(argv, pid_file, log, workspace.environment, ROOT)
        background.wait(lambda: _ready_line(log) != "", pid, "localcloud", START_SECONDS)
    return EmbeddedCloud.parse(_ready_line(log))


def down(workspace: Workspace) -> None:
    """Stop the cloud. What it has stays, until ``remove``."""
    background.stop(workspace.folder / PID_FILE)


def device_folders(embedded: EmbeddedCloud) -> dict[str, Path]:
    """Return, for each node, the folder in which its droplet's devices appear."""
    return {node: droplet.device_dir for node, droplet in zip(NODES, embedded.droplets, strict=True)}


def _ready_line(log: Path) -> str:
    for line in log.read_text().splitlines() if log.exists() else ():
        if line.startswith("{") and "droplets" in json.loads(line):
            return line
    return ""
