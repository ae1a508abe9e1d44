"""Proves on every node that the new driver could work there: its image, its host, its token and the token's scopes.

DaemonSets of the chart's own containers, one for each of its sets of nodes, run ``--check`` on each node, beside the
driver that serves. The checks change nothing. A pod whose checks pass becomes ready. The DaemonSets are always removed.
"""

import json
from collections.abc import Sequence
from copy import deepcopy

from kubectl_aiocsi.records import Json, Object
from takeover.cluster import Cluster, NotDoneError

NAME = "aiocsi-takeover-check"
LABELS = {"app.kubernetes.io/name": NAME}
_SERVING = ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources")
_WAIT = "import signal; signal.pause()"


def checks(rendered: Sequence[Json]) -> list[Json]:
    """Return the DaemonSets, from what the chart renders. Raises NotDoneError if that has no node or controller."""
    [controller, *_] = _workloads(rendered, "Deployment", "controller")
    return [_check(number, node, controller) for number, node in enumerate(_workloads(rendered, "DaemonSet", "node"))]


def _check(number: int, node: Object, controller: Object) -> Json:
    labels = {**LABELS, "set": str(number)}
    of_node, of_controller = (_container(each, name) for each, name in ((node, "node"), (controller, "controller")))
    volumes = [each.json for each in node.each("spec", "template", "spec", "volumes")]
    volumes += _renamed_volumes(controller, _list(of_controller, "volumeMounts"))
    template = {
        **_spec(node),
        "serviceAccountName": "default",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "initContainers": [of_node, of_controller],
        "containers": [{"name": "passed", "image": of_node["image"], "command": ["/usr/bin/python3", "-c", _WAIT]}],
        "volumes": volumes,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": f"{NAME}-{number}", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template},
        },
    }


def _renamed_volumes(workload: Object, mounts: Sequence[Json]) -> list[Json]:
    """Return the volumes that are mounted so, under names of their own, by which they are mounted from now on."""
    names = {str(mount["name"]) for mount in mounts}
    for mount in mounts:
        mount["name"] = f"controller-{mount['name']}"
    return [
        {**volume.json, "name": f"controller-{volume.text('name')}"}
        for volume in workload.each("spec", "template", "spec", "volumes")
        if volume.text("name") in names
    ]


def prove(cluster: Cluster, rendered: Sequence[Json], seconds: float) -> list[str]:
    """Run the checks; return what failed on which node, and why. Raises NotDoneError."""
    where, made, ours = f"--namespace={cluster.namespace}", checks(rendered), f"app.kubernetes.io/name={NAME}"
    every = {"apiVersion": "v1", "kind": "List", "items": made}
    try:
        cluster.kubectl("apply", where, "--filename=-", stdin=json.dumps(every))
        try:
            for each in made:
                cluster.until_ready(f"daemonset/{Object(each).name}", seconds)
        except NotDoneError as error:
            return list(_failed(cluster)) or [str(error)]
        return []
    finally:
        cluster.kubectl("delete", "daemonset", f"--selector={ours}", where, "--wait=false")
        cluster.until_no_pod(ours, seconds)


def _failed(cluster: Cluster) -> list[str]:
    found = []
    for pod in cluster.every("pods"):
        ready = pod.condition("Ready").text("status") == "True"
        if pod.label("app.kubernetes.io/name") == NAME and not ready:
            where = pod.text("spec", "nodeName") or "no node: it is not scheduled"
            found.append(f"node {where}: {_why(cluster, pod)}")
    return found


def _why(cluster: Cluster, pod: Object) -> str:
    for status in (*pod.each("status", "initContainerStatuses"), *pod.each("status", "containerStatuses")):
        waiting = status.text("state", "waiting", "reason")
        if status.number("restartCount") or status.text("state", "terminated", "reason") == "Error":
            words = (pod.name, f"--namespace={cluster.namespace}", f"--container={status.text('name')}", "--tail=20")
            said = cluster.kubectl("logs", *words).splitlines()
            return "; ".join(line for line in said if line.startswith("✗")) or "; ".join(said[-3:])
        if "Image" in waiting or "Err" in waiting:
            return f"{waiting}: {status.text('state', 'waiting', 'message')}"
    return "its check did not end in time"


def _workloads(rendered: Sequence[Json], kind: str, container: str) -> list[Object]:
    found = [
        each
        for each in map(Object, rendered)
        if each.text("kind") == kind
        and container in {one.text("name") for one in each.each("spec", "template", "spec", "containers")}
    ]
    if not found:
        raise NotDoneError(
            f"the chart renders no {kind} with a container {container}: see that --chart is aiocsi's, and that the"
            " values behind -- do not switch it off"
        )
    return found


def _spec(workload: Object) -> Json:
    found = workload.at("spec", "template", "spec")
    return found if isinstance(found, dict) else {}


def _container(workload: Object, name: str) -> dict[str, object]:
    (found,) = (one for one in workload.each("spec", "template", "spec", "containers") if one.text("name") == name)
    kept = {key: value for key, value in deepcopy(found.json).items() if key not in _SERVING}
    return {**kept, "name": f"check-{name}", "command": [*found.words("command"), "--check"], "args": []}


def _list(container: Json, key: str) -> list[Json]:
    return [each.json for each in Object(container).each(key)]
