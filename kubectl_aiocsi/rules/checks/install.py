"""Checks of what the chart has installed: objects, workloads, rights, leases, versions.

Source: charts/aiocsi; the sidecars' names and leases are those of external-provisioner 6.4 and its siblings.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from kubectl_aiocsi.records import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CSI_DRIVERS,
    DAEMON_SETS,
    DEPLOYMENTS,
    DRIVER_LABEL,
    LEASES,
    SNAPSHOT_CONTENTS,
    SNAPSHOTS,
    STATEFUL_SETS,
    Object,
    Snapshot,
    is_part,
)
from kubectl_aiocsi.rules.finding import Finding, describe
from kubectl_aiocsi.rules.pods import problem_of

EXPIRED = timedelta(seconds=60)  # a lease of 15 s that was not renewed for so long has no holder
OLDEST = {"csi-provisioner": 6, "csi-attacher": 4, "csi-resizer": 2, "csi-snapshotter": 8}  # major versions
TESTED = range(34, 38)  # minor versions of Kubernetes 1
RIGHTS = {  # of each sidecar, one without which it does nothing: resource and verb
    "csi-provisioner": ("persistentvolumes", "create"),
    "csi-attacher": ("volumeattachments/status", "patch"),
    "csi-resizer": ("persistentvolumeclaims/status", "patch"),
    "csi-snapshotter": ("volumesnapshotcontents/status", "patch"),
}


def workload(snapshot: Snapshot, component: str) -> list[Object]:
    """Return the driver's workloads of a component."""
    kind = DEPLOYMENTS if component == "controller" else DAEMON_SETS
    ours = (each for each in snapshot.every(kind) if each.label(DRIVER_LABEL) == snapshot.driver)
    return [each for each in ours if is_part(each, component)]


def containers(pod_or_template: Object, *path: str) -> list[Object]:
    """Return the containers of a pod, or of the template at the path."""
    return [*pod_or_template.each(*path, "spec", "containers")]


def missing(snapshot: Snapshot) -> Iterator[Finding]:
    """The CSIDriver object and the workloads are there."""
    lacking = [] if snapshot.find(CSI_DRIVERS, snapshot.driver) else [f"CSIDriver {snapshot.driver}"]
    lacking += [] if workload(snapshot, "controller") else ["Deployment of the controller"]
    lacking += [] if workload(snapshot, "node") else ["DaemonSet of the node service"]
    if lacking:
        yield Finding(
            "driver-missing", snapshot.driver, f"there is no {' and no '.join(lacking)}", "helm upgrade --install"
        )


def two_drivers(snapshot: Snapshot) -> Iterator[Finding]:
    """Nothing else serves the driver's name."""
    driver = snapshot.find(CSI_DRIVERS, snapshot.driver)
    if driver and driver.label(DRIVER_LABEL) != snapshot.driver and workload(snapshot, "node"):
        said = "the CSIDriver object is not the chart's: another driver, or its rest, has this name"
        yield Finding("two-drivers", f"CSIDriver {driver.name}", said, f"kubectl get csidriver {driver.name} -o yaml")
    for kind in (DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS):
        for each in snapshot.every(kind):
            if not each.label(DRIVER_LABEL) and _serves(each, snapshot.driver):
                what, said = f"{kind.plural} {each.full_name}", f"it serves the name {snapshot.driver}, too"
                yield Finding("two-drivers", what, said, "docs/guides/take-over.md, or give one of them another name")


def _serves(one: Object, driver: str) -> bool:
    places = [each.text("hostPath", "path") for each in one.each("spec", "template", "spec", "volumes")]
    words = [word for each in containers(one, "spec", "template") for word in each.words("args")]
    return any(f"/plugins/{driver}" in each for each in (*places, *words))


def controller_down(snapshot: Snapshot) -> Iterator[Finding]:
    """At least one pod of the controller is ready, and as many as are wanted."""
    for each in workload(snapshot, "controller"):
        wanted, ready = each.number("spec", "replicas"), each.number("status", "readyReplicas")
        if ready < wanted or wanted == 0:
            why = next((said for pod in snapshot.pods("controller") if (said := problem_of(snapshot, pod))), "")
            said = f"{ready} of {wanted} pods are ready{f': {why}' if why else ''}"
            yield Finding("controller-down", f"deployment {each.full_name}", said, describe(each, "deployment"))


def leases(snapshot: Snapshot) -> Iterator[Finding]:
    """Each sidecar has a leader that renews its lease."""
    name = re.sub(r"[^a-z0-9]+", "-", snapshot.driver)
    for each in snapshot.every(LEASES):
        if not each.name.endswith(name):
            continue
        renewed, holder = each.time("spec", "renewTime"), each.text("spec", "holderIdentity")
        if not holder or (renewed is not None and snapshot.now - renewed <= EXPIRED):
            continue
        said = f"its holder {holder} has not renewed it since {each.text('spec', 'renewTime') or 'ever'}"
        then = f"kubectl delete pod of that name; at last: kubectl delete lease -n {each.namespace} {each.name}"
        yield Finding("leases", f"lease {each.full_name}", said, then)


def rights(snapshot: Snapshot) -> Iterator[Finding]:
    """The controller's service account has what its sidecars need."""
    for each in workload(snapshot, "controller"):
        account = each.text("spec", "template", "spec", "serviceAccountName")
        rules = list(_rules_of(snapshot, each.namespace, account))
        for container in containers(each, "spec", "template"):
            needed = RIGHTS.get(container.text("name"))
            if needed and not any(_allows(rule, *needed) for rule in rules):
                resource, verb = needed
                said = f"{container.text('name')} may not {verb} {resource}"
                yield Finding(
                    "rbac", f"service account {each.namespace}/{account}", said, "helm upgrade: it has the roles"
                )


def _rules_of(snapshot: Snapshot, namespace: str, account: str) -> Iterator[Object]:
    for binding in snapshot.every(CLUSTER_ROLE_BINDINGS):
        subjects = [(each.text("namespace"), each.text("name")) for each in binding.each("subjects")]
        if (namespace, account) in subjects:
            role = snapshot.find(CLUSTER_ROLES, binding.text("roleRef", "name"))
            yield from role.each("rules")


def _allows(rule: Object, resource: str, verb: str) -> bool:
    return bool({resource, "*"} & {*rule.words("resources")}) and bool({verb, "*"} & {*rule.words("verbs")})


def snapshot_crds(snapshot: Snapshot) -> Iterator[Finding]:
    """Where the snapshotter runs, the API server serves snapshots."""
    for each in workload(snapshot, "controller"):
        names = [container.text("name") for container in containers(each, "spec", "template")]
        if "csi-snapshotter" in names and {SNAPSHOTS, SNAPSHOT_CONTENTS} & snapshot.absent:
            said = "csi-snapshotter runs, and the cluster has no VolumeSnapshot CRDs: it cannot get ready"
            then = "install the CRDs of external-snapshotter, or helm upgrade --set snapshots.enabled=false"
            yield Finding("crd-snapshots", f"deployment {each.full_name}", said, then)


def sidecar_skew(snapshot: Snapshot) -> Iterator[Finding]:
    """No sidecar is of an older major version than the driver is tested with."""
    for each in workload(snapshot, "controller"):
        for container in containers(each, "spec", "template"):
            oldest = OLDEST.get(container.text("name"))
            major = re.search(r":v?([0-9]+)\.", container.text("image"))
            if oldest and major and int(major[1]) < oldest:
                said = f"{container.text('image')} is older than v{oldest}, with which the driver is tested"
                then = "take the image out of your values: the chart has the right one"
                yield Finding("sidecar-skew", f"deployment {each.full_name}", said, then)


def version_skew(snapshot: Snapshot) -> Iterator[Finding]:
    """Controller and nodes run one version of the driver."""
    images: dict[str, list[str]] = {}
    for component in ("controller", "node"):
        for pod in snapshot.pods(component):
            found = [each.text("image") for each in containers(pod) if each.text("name") == component]
            images.setdefault(next(iter(found), ""), []).append(pod.name)
    if len(images) > 1:
        told = "; ".join(f"{image}: {len(pods)} pods, such as {pods[0]}" for image, pods in sorted(images.items()))
        then = "wait for the rollout; with updateStrategy OnDelete delete the old pods one by one"
        yield Finding("version-skew", "pods of the driver", told, then)


def kubernetes_version(snapshot: Snapshot) -> Iterator[Finding]:
    """The version of Kubernetes is one that the driver is tested with."""
    found = re.match(r"v1\.([0-9]+)", snapshot.server_version)
    if found and int(found[1]) not in TESTED:
        said = f"the driver is tested with Kubernetes 1.{TESTED[0]} to 1.{TESTED[-1]}"
        yield Finding("kubernetes-version", f"Kubernetes {snapshot.server_version}", said, "see docs/guides/install.md")
