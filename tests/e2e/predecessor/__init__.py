"""The driver that was there before: csi-digitalocean's objects in the cluster, with a stand-in for its program."""

import json
from pathlib import Path

from tests.e2e.cluster.driver import NAMESPACE
from tests.e2e.cluster.workspace import Workspace
from tests.e2e.predecessor import manifests
from tools.services.embedded_cloud import EmbeddedCloud

READY_SECONDS = 120


def write(file: Path, embedded: EmbeddedCloud) -> None:
    """Write its manifests, as a release of it brings them."""
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests.everything(embedded)}, indent=1))


def install(workspace: Workspace, file: Path) -> None:
    """Install what ``write`` wrote, and wait until it is ready. Raises ToolFailed."""
    workspace.kubectl("apply", f"--filename={file}")
    until_ready(workspace)


def until_ready(workspace: Workspace) -> None:
    """Wait until its controller and its node service are ready. Raises ToolFailed."""
    for workload in (f"statefulset/{manifests.CONTROLLER}", f"daemonset/{manifests.NODE}"):
        workspace.kubectl("rollout", "status", workload, f"--namespace={NAMESPACE}", f"--timeout={READY_SECONDS}s")


def remove(workspace: Workspace, file: Path) -> None:
    """Remove whatever is left of it, and wait until its pods are gone. Raises ToolFailed."""
    workspace.kubectl("delete", f"--filename={file}", "--ignore-not-found", "--cascade=foreground")
    workspace.kubectl("wait", "--for=delete", "pod", f"--namespace={NAMESPACE}", "--selector=role=csi-do")
