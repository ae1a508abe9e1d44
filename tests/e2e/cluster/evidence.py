"""What is kept of a run: logs, events and objects, in one folder."""

import shutil
from pathlib import Path

from tests.e2e.cluster.driver import NAMESPACE
from tests.e2e.cluster.workspace import Workspace
from tools.processes.run import ToolFailed
from tools.venv import ROOT

FOLDER = ROOT / "artifacts" / "e2e"
OBJECTS = "pods,persistentvolumeclaims,persistentvolumes,volumeattachments,csinodes,csidrivers,volumesnapshots,leases"
SELECTOR = "app.kubernetes.io/name=aiocsi"


def keep(workspace: Workspace) -> Path:
    """Write what can be had of the cluster to artifacts/e2e; return that folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    _told(workspace, "objects.yaml", "get", OBJECTS, "--all-namespaces", "--output=yaml")
    _told(workspace, "objects.txt", "get", OBJECTS, "--all-namespaces", "--output=wide")
    _told(workspace, "events.txt", "get", "events", "--all-namespaces", "--sort-by=.lastTimestamp")
    for pod in _told(
        workspace, "pods.txt", "get", "pods", f"--namespace={NAMESPACE}", f"--selector={SELECTOR}", "--output=name"
    ).split():
        file = pod.removeprefix("pod/") + ".log"
        _told(workspace, file, "logs", f"--namespace={NAMESPACE}", pod, "--all-containers", "--prefix", "--tail=-1")
    shutil.copytree(workspace.logs, FOLDER / "host", dirs_exist_ok=True)
    return FOLDER


def _told(workspace: Workspace, file: str, *arguments: str) -> str:
    try:
        text = workspace.kubectl(*arguments)
    except ToolFailed as error:  # a cluster that is half made still has something to tell
        text = ""
        (FOLDER / f"{file}.failed").write_text(str(error))
    (FOLDER / file).write_text(text)
    return text
