"""A docker engine: the one that runs already, or one of our own that serves only this cluster.

Our own lowers what containers ask for to what root has here, where that is less than everything (go/humblerunc).
"""

import json

from tests.e2e.cluster import background, host
from tests.e2e.cluster.workspace import Workspace
from tools import go_programs
from tools.processes.run import ToolFailed
from tools.venv import ROOT

START_SECONDS = 60.0
BEFORE = "host-before.json"


def up(workspace: Workspace) -> None:
    """See that an engine answers. Raises NotReady or ToolFailed."""
    if answers(workspace):
        return
    workspace.folder.mkdir(parents=True, exist_ok=True)
    host.prepare(workspace.folder / BEFORE)
    configuration = workspace.folder / "dockerd.json"
    configuration.write_text(json.dumps(_settings(workspace), indent=1))
    pid = background.start(
        ["dockerd", "--config-file", str(configuration)],
        workspace.folder / "dockerd.pid",
        workspace.logs / "dockerd.log",
        workspace.environment,
        ROOT,
    )
    background.wait(lambda: workspace.engine_socket.exists() and answers(workspace), pid, "dockerd", START_SECONDS)


def is_ours(workspace: Workspace) -> bool:
    """Whether an engine of our own runs, or was killed before it could be taken down."""
    return (workspace.folder / BEFORE).exists()


def down(workspace: Workspace) -> None:
    """End our own engine, if it is ours that runs, and undo what was done to the host."""
    background.stop(workspace.folder / "dockerd.pid")
    workspace.engine_socket.unlink(missing_ok=True)
    host.restore(workspace.folder / BEFORE)


def answers(workspace: Workspace) -> bool:
    """Whether there is an engine."""
    try:
        workspace.docker("info", "--format", "{{.ServerVersion}}")
    except ToolFailed:
        return False
    return True


def _settings(workspace: Workspace) -> dict[str, object]:
    wrapper = go_programs.build_own("humblerunc")
    return {
        "data-root": str(workspace.folder / "docker"),
        "exec-root": str(workspace.folder / "docker-run"),
        "pidfile": str(workspace.folder / "dockerd.own-pid"),
        "hosts": [f"unix://{workspace.engine_socket}"],
        "storage-driver": "overlay2",
        "runtimes": {"humblerunc": {"path": str(wrapper)}},
        "default-runtime": "humblerunc",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "default-cgroupns-mode": "private",
        "cgroup-parent": f"/{host.CGROUP}",
        "log-opts": {"max-size": "20m"},
        "mtu": 1400,
    }
