"""The kind cluster: three nodes, each with the device folder of its own droplet."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.cluster import network, node_image
from tests.e2e.cluster.node_image import MAKE_LOOP_NODES
from tests.e2e.cluster.way import Way
from tests.e2e.cluster.workspace import KUBERNETES, NAME, NODES, Workspace
from tools.processes.run import ToolFailed

CREATE_SECONDS = 600.0
LOAD_SECONDS = 300.0
GATEWAY_FORMAT = "{{(index .IPAM.Config 0).Gateway}}"
NEVER_PULL = '{"kind": "%s", "nodeRegistration": {"imagePullPolicy": "Never"}}'
KUBELET = {
    "kind": "KubeletConfiguration",
    "failCgroupV1": False,
    "serializeImagePulls": False,
    "registryPullQPS": 0,
    "nodeStatusUpdateFrequency": "2s",  # a volume is detached once the node's status says that it is not in use
    "volumeStatsAggPeriod": "10s",  # how often a volume's health is asked for
    "syncFrequency": "10s",  # so long a pod waits at most until its volume is grown on the node, and for a new Secret
}


def gateway(workspace: Workspace) -> str:
    """Return the host's address on the nodes' network, making the network first if need be. Raises ToolFailed."""
    try:
        return workspace.docker("network", "inspect", "--format", GATEWAY_FORMAT, NAME).strip()
    except ToolFailed:
        workspace.docker("network", "create", "--driver=bridge", "--opt=com.docker.network.driver.mtu=1400", NAME)
    return workspace.docker("network", "inspect", "--format", GATEWAY_FORMAT, NAME).strip()


def create(workspace: Workspace, way: Way, devices: Mapping[str, Path]) -> None:
    """Create the cluster. ``devices`` is the folder that each node sees as /dev/disk/by-id. Raises ToolFailed."""
    if way is Way.BUILT:
        bring_node_image(workspace)
    configuration = workspace.folder / "kind.json"
    configuration.write_text(json.dumps(described(way, devices), indent=1))
    argv = ["create", "cluster", "--config", str(configuration), "--retain", "--kubeconfig", str(workspace.kubeconfig)]
    workspace.program("kind", *argv, seconds=CREATE_SECONDS)
    if way is Way.BUILT:
        network.connect(workspace)
        return
    for node in NODES:
        workspace.docker("exec", node, "sh", "-c", MAKE_LOOP_NODES)


def bring_node_image(workspace: Workspace) -> None:
    """See that the engine has the image of a node, and no earlier one. Raises ToolFailed."""
    wanted, listing = node_image.tag(), ("image", "ls", "--format={{.Repository}}:{{.Tag}}", node_image.NAME)
    if wanted not in workspace.docker(*listing).split():
        workspace.docker("load", "--input", str(node_image.make()), seconds=LOAD_SECONDS)
    for other in workspace.docker(*listing).split():
        if other != wanted:
            workspace.docker("image", "rm", other)


def exists(workspace: Workspace) -> bool:
    """Whether the cluster was created before."""
    return NAME in workspace.program("kind", "get", "clusters").split()


def version(workspace: Workspace) -> str:
    """Return the version of Kubernetes that the nodes run. Raises ToolFailed."""
    return workspace.kubectl("get", "nodes", "--output=jsonpath={.items[0].status.nodeInfo.kubeletVersion}")


def must_be_as_asked(workspace: Workspace, way: Way) -> None:
    """Raise ValueError if the cluster that is there runs another Kubernetes than the one that is asked for."""
    if way is Way.BUILT and (found := version(workspace)) != KUBERNETES:
        raise ValueError(f"the cluster runs Kubernetes {found}, not {KUBERNETES}: `make e2e-down` removes it")


def load(workspace: Workspace, *archives: Path) -> None:
    """Bring images to every node. Raises ToolFailed."""
    for archive in archives:
        workspace.program("kind", "load", "image-archive", str(archive), "--name", NAME, seconds=LOAD_SECONDS)


def delete(workspace: Workspace) -> None:
    """Delete the cluster with the nodes' volumes, and its network, as far as they are there. Raises ToolFailed."""
    for node in workspace.docker("ps", "--filter=status=paused", "--format={{.Names}}").split():
        if node in NODES:
            workspace.docker("unpause", node)  # a frozen process does not end
    workspace.program("kind", "delete", "cluster", "--name", NAME)
    if workspace.docker("network", "ls", "--quiet", f"--filter=name=^{NAME}$").strip():
        workspace.docker("network", "rm", NAME)


def described(way: Way, devices: Mapping[str, Path]) -> dict[str, object]:
    """Return kind's configuration. Published images: kind's own node image and network, and the nodes pull."""
    built = way is Way.BUILT
    never_pull = [NEVER_PULL % "InitConfiguration", NEVER_PULL % "JoinConfiguration"]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": NAME,
        "networking": {"disableDefaultCNI": built, "kubeProxyMode": "nftables", "ipFamily": "ipv4"},
        "featureGates": {"CSIVolumeHealth": True},  # of the API server and of kubelet
        "kubeadmConfigPatches": [json.dumps(KUBELET), *(never_pull if built else [])],
        "nodes": [_node(name, devices[name]) | ({"image": node_image.tag()} if built else {}) for name in NODES],
    }


def _node(name: str, devices: Path) -> dict[str, object]:
    return {
        "role": "control-plane" if name.endswith("control-plane") else "worker",
        "extraMounts": [{"hostPath": str(devices), "containerPath": "/dev/disk/by-id"}],
    }
