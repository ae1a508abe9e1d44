"""Checks of the controller's pods: whether they are ready, and whether each sidecar among them leads.

Source: the leases' names are those of external-provisioner 6.4, external-attacher 4.13 and their siblings.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from kubectl_aiocsi.records import LEASES, Snapshot
from kubectl_aiocsi.rules.checks.install import containers, workload
from kubectl_aiocsi.rules.checks.nodes import lost
from kubectl_aiocsi.rules.finding import Finding, describe
from kubectl_aiocsi.rules.lasting import has_lasted
from kubectl_aiocsi.rules.pods import is_ready, is_settling, problem_of

EXPIRED = timedelta(minutes=1)  # a lease of 15 s that was not renewed for so long has no holder
LEASE_OF = {  # what stands before the driver's name
    "csi-provisioner": "",
    "csi-attacher": "external-attacher-leader-",
    "csi-resizer": "external-resizer-",
    "csi-snapshotter": "external-snapshotter-leader-",
}


def down(snapshot: Snapshot) -> Iterator[Finding]:
    """At least one pod of the controller is ready, and as many as are wanted, or their nodes are lost."""
    pods = [pod for pod in snapshot.pods("controller") if pod.deleted is None and not is_ready(pod)]
    begin = sum(is_settling(snapshot, pod) for pod in pods)
    nodes = {finding.what for finding in lost(snapshot)}
    gone = sum(f"node {pod.text('spec', 'nodeName')}" in nodes for pod in pods)
    for each in workload(snapshot, "controller"):
        wanted, ready = each.number("spec", "replicas"), each.number("status", "readyReplicas")
        well = ready + begin
        if well < wanted - (gone if well else 0) or wanted == 0:
            why = next((said for pod in pods if (said := problem_of(snapshot, pod))), "")
            said = f"{ready} of {wanted} pods are ready{f': {why}' if why else ''}"
            yield Finding("controller-down", f"deployment {each.full_name}", said, describe(each, "deployment"))


def leases(snapshot: Snapshot) -> Iterator[Finding]:
    """Each sidecar that there is has a leader that renews its lease."""
    driver = re.sub(r"[^a-zA-Z0-9-]", "-", snapshot.driver)  # as the sidecars name their leases
    templates = workload(snapshot, "controller")
    names = {one.text("name") for each in templates for one in containers(each, "spec", "template")}
    wanted = {f"{prefix}{driver}" for sidecar, prefix in LEASE_OF.items() if sidecar in names}
    namespaces = {each.namespace for each in templates}  # elsewhere is what a release of before has left
    for each in snapshot.every(LEASES):
        renewed, holder = each.time("spec", "renewTime"), each.text("spec", "holderIdentity")
        ours = each.name in wanted and each.namespace in namespaces
        if not ours or not holder or not has_lasted(snapshot, renewed, EXPIRED):
            continue
        said = f"its holder {holder} has not renewed it since {each.text('spec', 'renewTime') or 'ever'}"
        then = f"kubectl delete pod of that name; at last: kubectl delete lease -n {each.namespace} {each.name}"
        yield Finding("leases", f"lease {each.full_name}", said, then)
