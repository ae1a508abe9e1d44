"""Checks of nodes: whether the driver serves each, how many volumes it takes, and what keeps pods away."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from kubectl_aiocsi.records import ATTACHMENTS, CSI_NODES, NODES, Object, Snapshot
from kubectl_aiocsi.rules.checks.install import containers, workload
from kubectl_aiocsi.rules.finding import Finding, describe
from kubectl_aiocsi.rules.lasting import has_lasted
from kubectl_aiocsi.rules.placement import is_placed
from kubectl_aiocsi.rules.pods import is_ready, is_settling, problem_of
from kubectl_aiocsi.rules.server import OFF, OUT_OF_SERVICE, plugin_of, served_by, settles

JOINING = timedelta(minutes=5)  # a new node, on which the driver is being started


def _wanted(snapshot: Snapshot) -> Iterator[Object]:
    """Yield the nodes that the driver shall serve: ready, not new, and its pod there is not just beginning."""
    for node in snapshot.every(NODES):
        old = has_lasted(snapshot, node.created, JOINING) and not settles(snapshot, node.name)
        if _chosen(snapshot, node) and old and is_ready(node):
            yield node


def _chosen(snapshot: Snapshot, node: Object) -> bool:
    """Whether a DaemonSet of the driver is to have a pod on the node."""
    return any(is_placed(each, node) for each in workload(snapshot, "node"))


def csinode_missing(snapshot: Snapshot) -> Iterator[Finding]:
    """The driver is registered on every node."""
    for node in _wanted(snapshot):
        pod = plugin_of(snapshot, node.name)
        if not served_by(snapshot, node.name) and not (pod and not problem_of(snapshot, pod)):
            why = problem_of(snapshot, pod) if pod else "no pod of the driver runs there"
            then = describe(pod, "pod") if pod else "kubectl get daemonsets -A -l aiocsi.dev/driver"
            yield Finding("csinode-missing", f"node {node.name}", f"the driver is not registered: {why}", then)


def kubelet_path(snapshot: Snapshot) -> Iterator[Finding]:
    """A pod of the driver that is ready is known to the kubelet of its node."""
    for node in _wanted(snapshot):
        pod = plugin_of(snapshot, node.name)
        if pod and not problem_of(snapshot, pod) and not served_by(snapshot, node.name):
            said = f"pod {pod.full_name} is ready, and kubelet does not know the driver: is kubeletPath kubelet's root?"
            then = (
                f"kubectl get --raw /api/v1/nodes/{node.name}/proxy/configz; then helm upgrade --set kubeletPath=PATH"
            )
            yield Finding("kubelet-path", f"node {node.name}", said, then)


def plugin_down(snapshot: Snapshot) -> Iterator[Finding]:
    """On every node where the driver is registered, its pod is ready."""
    for node in _wanted(snapshot):
        pod = plugin_of(snapshot, node.name)
        problem = problem_of(snapshot, pod) if pod else "there is no pod of the driver any more"
        if served_by(snapshot, node.name) and problem:
            then = describe(pod, "pod") if pod else "kubectl get daemonsets -A -l aiocsi.dev/driver"
            yield Finding("node-plugin-down", f"node {node.name}", problem, then)


def lost(snapshot: Snapshot) -> Iterator[Finding]:
    """No node that has volumes is lost; one whose kubelet itself says that it is not ready may be booting."""
    held = _attached(snapshot)
    nodes = {node.name: node for node in snapshot.every(NODES)}
    for name, count in sorted(held.items()):
        node = nodes.get(name)
        if node is None:
            said = f"it is gone, and {count} volumes are attached to it; Kubernetes waits 6 minutes"
            yield Finding("node-lost", f"node {name}", said, "kubectl get volumeattachments")
        elif not is_ready(node) and not _tainted(node, OUT_OF_SERVICE):
            ready = node.condition("Ready")
            if ready.text("status") == "False" and is_settling(snapshot, node):
                continue
            said = f"it is not Ready since {ready.text('lastTransitionTime')}, and {count} volumes cannot leave it"
            yield Finding("node-lost", f"node {name}", said, OFF.format(name))


def taint_stuck(snapshot: Snapshot) -> Iterator[Finding]:
    """No node that is well has the taint of one that is off; from one that has just come back the warden takes it."""
    for node in snapshot.every(NODES):
        if is_ready(node) and _tainted(node, OUT_OF_SERVICE) and not is_settling(snapshot, node):
            then = f"kubectl taint node {node.name} {OUT_OF_SERVICE}-"
            yield Finding("taint-stuck", f"node {node.name}", f"it is Ready and has the taint {OUT_OF_SERVICE}", then)


def limit_mismatch(snapshot: Snapshot) -> Iterator[Finding]:
    """Each node tells how many volumes it takes, not more than the cloud, and has no more."""
    held, most = _attached(snapshot), _configured(snapshot)
    for each in snapshot.every(CSI_NODES):
        entry = served_by(snapshot, each.name)
        count = entry.at("allocatable", "count")
        if not entry:
            continue
        if count is None:
            said = "it tells no limit: the scheduler puts any number of volumes there"
        elif isinstance(count, int) and most and count > most:
            said = f"it tells {count} volumes, and the driver's limit is {most}"
        elif isinstance(count, int) and held[each.name] > count:
            said = f"{held[each.name]} volumes are attached, and it tells {count}: others' disks take the rest"
        else:
            continue
        yield Finding("limit-mismatch", f"node {each.name}", said, f"kubectl get csinode {each.name} -o yaml")


def region(snapshot: Snapshot) -> Iterator[Finding]:
    """Controller and nodes are in one region."""
    regions = {node.label("region") for node in snapshot.every(NODES)} - {""}
    told = {each.text("value") for one in workload(snapshot, "controller") for each in _env(one, "AIOCSI_REGION")}
    odd = (told - {""}) - regions if regions else set()
    if odd:
        said = f"the controller serves {', '.join(sorted(odd))}, the nodes are in {', '.join(sorted(regions))}"
        yield Finding("region", "controller", said, "helm upgrade --set cloud.region=REGION of the nodes")


def automount_rule(snapshot: Snapshot) -> Iterator[Finding]:
    """The cloud's udev rule that mounts every new volume is removed."""
    for each in workload(snapshot, "node"):
        names = [one.text("name") for one in each.each("spec", "template", "spec", "initContainers")]
        if "remove-automount-rule" not in names and snapshot.driver == "dobs.csi.digitalocean.com":
            said = "the cloud's udev rule, where an image has it, mounts a new volume before it is formatted"
            then = "helm upgrade --set node.removeAutomountRule=true"
            yield Finding("automount-rule", f"daemonset {each.full_name}", said, then)


def _attached(snapshot: Snapshot) -> Counter[str]:
    ours = (each for each in snapshot.every(ATTACHMENTS) if each.text("spec", "attacher") == snapshot.driver)
    held = (each for each in ours if each.at("status", "attached") is True and each.deleted is None)
    return Counter(each.text("spec", "nodeName") for each in held)


def _configured(snapshot: Snapshot) -> int:
    """Return the highest limit that a DaemonSet of the driver is given, 0 if none is."""
    found = [each.text("value") for one in workload(snapshot, "node") for each in _env(one, "AIOCSI_VOLUME_LIMIT")]
    return max((int(each) for each in found if each.isdigit()), default=0)


def _env(one: Object, name: str) -> list[Object]:
    variables = (each for container in containers(one, "spec", "template") for each in container.each("env"))
    return [each for each in variables if each.text("name") == name]


def _tainted(node: Object, key: str) -> bool:
    return any(each.text("key") == key for each in node.each("spec", "taints"))
