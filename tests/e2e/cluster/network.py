"""The pod network: static routes between the nodes, since kind's own network plugin is an image to be pulled.

Each node gets its pods' addresses by ptp and host-local, a route to every other node's pods, and masquerades what
leaves the cluster. A node container that was restarted has lost its routes: ``connect`` again.
"""

import json
from dataclasses import dataclass

from tests.e2e.cluster.workspace import NODES, Workspace

PODS = "10.244.0.0/16"
FILE = "/etc/cni/net.d/10-aiocsi.conflist"


@dataclass(frozen=True)
class Node:
    """A node as the network sees it."""

    name: str
    address: str
    pods: str


def connect(workspace: Workspace) -> None:
    """Give every node its network, and wait until all are ready. Raises ToolFailed."""
    nodes = [_node(workspace, name) for name in NODES]
    for node in nodes:
        _configure(workspace, node)
        for other in nodes:
            if other != node:
                workspace.docker("exec", node.name, "ip", "route", "replace", other.pods, "via", other.address)
    workspace.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s")
    workspace.kubectl("--namespace=kube-system", "rollout", "status", "deployment/coredns", "--timeout=180s")


def _node(workspace: Workspace, name: str) -> Node:
    workspace.kubectl("wait", "--for=jsonpath={.spec.podCIDR}", f"node/{name}", "--timeout=60s")
    told = json.loads(workspace.kubectl("get", "node", name, "--output=json"))
    [address] = [one["address"] for one in told["status"]["addresses"] if one["type"] == "InternalIP"]
    return Node(name, address, told["spec"]["podCIDR"])


def _configure(workspace: Workspace, node: Node) -> None:
    text = json.dumps(_plugins(node.pods)).encode()
    written = f"cat > {FILE}.new && mv {FILE}.new {FILE}"
    workspace.docker("exec", "--interactive", node.name, "sh", "-c", written, stdin=text)
    rule = f"POSTROUTING -s {node.pods} ! -d {PODS} -j MASQUERADE"
    masquerade = f"iptables -t nat -C {rule} 2>/dev/null || iptables -t nat -A {rule}"
    workspace.docker("exec", node.name, "sh", "-c", masquerade)


def _plugins(pods: str) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "1.0.0",
        "name": "aiocsi",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "mtu": 1400, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
