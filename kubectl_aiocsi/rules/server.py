"""The fourth link: is the node there, is it up, and does the driver serve it?"""

from kubectl_aiocsi.records import CSI_NODES, DRIVER_PODS, NODES, NOTHING, Object, Snapshot
from kubectl_aiocsi.rules import link
from kubectl_aiocsi.rules.link import Link, State
from kubectl_aiocsi.rules.pods import problem_of

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
    pods = (pod for pod in snapshot.pods("node") if pod.text("spec", "nodeName") == node and pod.deleted is None)
    return next(pods, NOTHING)


def _served(snapshot: Snapshot, node: Object, what: str) -> Link:
    if CSI_NODES in snapshot.unread:
        return link.unknown("server", what, snapshot.unread[CSI_NODES])
    if served_by(snapshot, node.name) and DRIVER_PODS in snapshot.unread:
        return link.ok("server", what, "Ready, and the driver is registered")
    pod = plugin_of(snapshot, node.name)
    problem = problem_of(snapshot, pod) if pod else ""
    if not served_by(snapshot, node.name):
        said = f"driver {snapshot.driver} is not registered on it: {problem or 'no pod of the driver runs there'}"
        if pod and not problem:
            said = f"driver {snapshot.driver} is not registered on it, although pod {pod.full_name} is ready"
        return Link("server", what, State.BROKEN, said, "CSINode", None, "csinode-missing", _look(pod))
    if problem or not pod:
        said = problem or "no pod of the driver runs there any more"
        by = f"pod {pod.full_name}" if pod else "pods of the driver"
        return Link("server", what, State.BROKEN, said, by, None, "node-plugin-down", _look(pod))
    return link.ok("server", what, f"Ready, and the driver is registered (pod {pod.name})")


def _look(pod: Object) -> str:
    if not pod:
        return "kubectl get daemonsets -A -l aiocsi.dev/driver"
    return f"kubectl logs -n {pod.namespace} {pod.name} -c node --tail=50"
