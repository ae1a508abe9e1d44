"""The driver in the cluster: snapshots' own controller, the token's Secret, the chart."""

import json
import platform
from pathlib import Path

from tests.e2e.cluster.workspace import NODES, Workspace
from tools import go_programs, golang
from tools.chart import CHART
from tools.image import make, version
from tools.processes.run import ToolFailed
from tools.services.embedded_cloud import EmbeddedCloud

NAMESPACE = "kube-system"
RELEASE = "aiocsi"
SECRET = "digitalocean"  # noqa: S105  # a name
SNAPSHOTS = go_programs.version("snapshot-controller")
SNAPSHOT_MODULE = "github.com/kubernetes-csi/external-snapshotter"
INSTALL_SECONDS = 300
IMAGE_ID = "image-id"
TAG = "e2e"  # of all volumes of the cluster
KINDS_CLASS, IS_DEFAULT = "standard", "storageclass.kubernetes.io/is-default-class"  # the chart has one, too


def make_image(workspace: Workspace) -> Path:
    """Return the archive of the image of what is in the tree now. Raises ToolFailed."""
    target = workspace.folder / "aiocsi.tar"
    (workspace.folder / IMAGE_ID).write_text(make.make(target, platform.machine()))
    return target


def install(workspace: Workspace, embedded: EmbeddedCloud) -> None:
    """Install what snapshots need, the Secret and the chart; wait until all of it is ready. Raises ToolFailed."""
    snapshots(workspace)
    workspace.kubectl("annotate", "--overwrite", "storageclass", KINDS_CLASS, f"{IS_DEFAULT}=false")
    secret(workspace, embedded.token)
    values = workspace.folder / "values.json"
    values.write_text(json.dumps(chart_values(workspace, embedded), indent=1))
    upgrade(workspace, values)


def upgrade(workspace: Workspace, values: Path) -> None:
    """Install or upgrade the chart with a file of values; wait until it is ready. Raises ToolFailed."""
    argv = ["upgrade", "--install", RELEASE, str(CHART), f"--namespace={NAMESPACE}", f"--values={values}"]
    argv += [f"--kubeconfig={workspace.kubeconfig}", "--wait", f"--timeout={INSTALL_SECONDS}s"]
    workspace.program("helm", *argv, seconds=INSTALL_SECONDS + 30)
    rolled_out(workspace)


def rolled_out(workspace: Workspace) -> None:
    """Wait until the last old pod of each Deployment is gone: helm waits only until the new ones are ready."""
    argv = ("rollout", "status", "deployment", f"--selector=app.kubernetes.io/instance={RELEASE}")
    workspace.kubectl(*argv, f"--namespace={NAMESPACE}", f"--timeout={INSTALL_SECONDS}s")


def chart_values(workspace: Workspace, embedded: EmbeddedCloud) -> dict[str, object]:
    """Return the chart's values: one node set for each node, since each has its droplet's metadata service."""
    made_from = {"image-id": (workspace.folder / IMAGE_ID).read_text()}  # the tag is the same: restart the pods anyway
    sets = {
        f"n{number}": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "extraEnv": [{"name": "AIOCSI_METADATA_URL", "value": droplet.metadata_url}],
        }
        for number, (node, droplet) in enumerate(zip(NODES, embedded.droplets, strict=True))
    }
    return {
        "image": {"repository": "aiocsi", "tag": version()},
        "cloud": {"apiUrl": embedded.url, "region": "nyc1", "tags": [TAG]},
        "sidecars": {"retryMaxSeconds": 10, "attacher": {"reconcileSeconds": 12}},  # a test waits for the next try
        "controller": {"podAnnotations": made_from},
        "csiDriver": {"nodeAllocatableUpdatePeriodSeconds": 10},  # kubelet asks again so soon for a node's limit
        "warden": {
            "failover": {"mode": "taint", "afterSeconds": 10},
            "startTaint": True,
            "maxVolumes": True,
            "health": {"intervalSeconds": 15},
            "drift": {"intervalSeconds": 15, "unusedDays": 0},
        },
        "node": {"enabled": False, "podAnnotations": made_from, "drainWaitSeconds": 90},
        "additionalNodeSets": sets,
    }


def secret(workspace: Workspace, token: str) -> None:
    """Make or replace the Secret with the cloud's token. Raises ToolFailed."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "stringData": {"access-token": token},
    }
    workspace.kubectl("apply", "--filename=-", stdin=json.dumps(manifest).encode())


def snapshots(workspace: Workspace) -> None:
    """Install the CRDs of snapshots and their controller, which a cluster has once. Raises ToolFailed."""
    definitions = golang.module_folder(f"{SNAPSHOT_MODULE}/client/v8", SNAPSHOTS) / "config/crd"
    for file in sorted(definitions.glob("snapshot.storage.k8s.io_*.yaml")):
        workspace.kubectl("apply", "--server-side", f"--filename={file}")
    manifests = golang.module_folder(f"{SNAPSHOT_MODULE}/v8", SNAPSHOTS) / "deploy/kubernetes/snapshot-controller"
    workspace.kubectl("apply", f"--filename={manifests / 'rbac-snapshot-controller.yaml'}")
    workspace.kubectl("apply", "--filename=-", stdin=_with_our_tag(manifests / "setup-snapshot-controller.yaml"))


def _with_our_tag(manifest: Path) -> bytes:
    image = "registry.k8s.io/sig-storage/snapshot-controller:"
    lines = manifest.read_text().splitlines()
    return "\n".join(
        f"{line.partition(image)[0]}{image}{SNAPSHOTS}" if image in line else line for line in lines
    ).encode()


def uninstall(workspace: Workspace) -> None:
    """Uninstall the chart, if it is installed."""
    try:
        workspace.program("helm", "uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait", "--timeout=60s")
    except ToolFailed:
        return
