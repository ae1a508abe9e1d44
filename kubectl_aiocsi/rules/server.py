"""The fourth link: is the node there, is it up, and does the driver serve it?"""

from kubectl_aiocsi.records import CSI_NODES, DRIVER_PODS, NODES, NOTHING, Object, Snapshot
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.lasting import has_lasted
from kubectl_aiocsi.rules.link import Link, State
from kubectl_aiocsi.rules.pods import is_settling, problem_of

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
OFF = "kubectl taint node {} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute  # only if the droplet is off"


def server_link(snapshot: Snapshot, name: str) -> Link:
    """Judge a node, which may be missing."""
    what = f"server {name}" if name else "server"
    if not name:
        return link.waiting("server", what, "the pod has no node yet")
    if NODES in snapshot.unread:
        return link.unknown("server", what, snapshot.unread[NODES])
    node = snapshot.find(NODES, name)
    if not node:
        said, then = f"there is no node {name}", "kubectl get nodes; its volumes are detached after 6 minutes"
        return Link("server", what, State.BROKEN, said, "API server", None, "node-lost", then)
    ready = node.condition("Ready")
    if ready and ready.text("status") != "True":
        since, said = ready.time("lastTransitionTime"), ready.text("message") or "it is not Ready"
        return Link("server", what, State.BROKEN, said, "node's condition Ready", since, "node-lost", OFF.format(name))
    return _served(snapshot, node, what)


def served_by(snapshot: Snapshot, node: str) -> Object:
    """Return the driver's entry in the CSINode of a node, an empty one if the driver is not registered there."""
    entries = snapshot.find(CSI_NODES, node).each("spec", "drivers")
    return next((each for each in entries if each.text("name") == snapshot.driver), NOTHING)


def plugin_of(snapshot: Snapshot, node: str) -> Object:
    """Return the pod of the node's part that serves a node, an empty one if there is none."""
    return next((pod for pod in _plugins(snapshot, node) if pod.deleted is None), NOTHING)


def settles(snapshot: Snapshot, node: str) -> bool:
    """Whether the driver's pod on a node has only begun, or is being replaced: what is not done yet is no fault."""
    if pod := plugin_of(snapshot, node):
        return is_settling(snapshot, pod)
    return any(not has_lasted(snapshot, pod.deleted) for pod in _plugins(snapshot, node))


def look_at_plugin(snapshot: Snapshot, pod: Object) -> str:
    """Return the command that shows what the driver says on the node of a pod."""
    return _look(plugin_of(snapshot, pod.text("spec", "nodeName")))


def _plugins(snapshot: Snapshot, node: str) -> list[Object]:
    return [pod for pod in snapshot.pods("node") if pod.text("spec", "nodeName") == node]


def _served(snapshot: Snapshot, node: Object, what: str) -> Link:
    if CSI_NODES in snapshot.unread:
        return link.unknown("server", what, snapshot.unread[CSI_NODES])
    served = bool(served_by(snapshot, node.name))
    if served and DRIVER_PODS in snapshot.unread:
        return link.ok("server", what, "Ready, and the driver is registered")
    pod = plugin_of(snapshot, node.name)
    problem = problem_of(snapshot, pod) if pod else ""
    if served and pod and not problem:
        return link.ok("server", what, f"Ready, and the driver is registered (pod {pod.name})")
    if settles(snapshot, node.name):
        return link.waiting("server", what, "the driver's pod there has only begun, or is being replaced")
    if not served:
        said = f"driver {snapshot.driver} is not registered on it: {problem or 'no pod of the driver runs there'}"
        if pod and not problem:
            said = f"driver {snapshot.driver} is not registered on it, although pod {pod.full_name} is ready"
        return Link("server", what, State.BROKEN, said, "CSINode", None, "csinode-missing", _look(pod))
    said = problem or "no pod of the driver runs there any more"
    by = f"pod {pod.full_name}" if pod else "pods of the driver"
    return Link("server", what, State.BROKEN, said, by, None, "node-plugin-down", _look(pod))


def _look(pod: Object) -> str:
    if not pod:
        return "kubectl get daemonsets -A -l aiocsi.dev/driver"
    return f"kubectl logs -n {pod.namespace} {pod.name} -c node --tail=50"
