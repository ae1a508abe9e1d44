"""Checks of what the chart has installed: objects, workloads, rights, versions.

Source: charts/aiocsi; the sidecars' names and leases are those of external-provisioner 6.4 and its siblings.
"""

import re
from collections.abc import Iterator

from kubectl_aiocsi.records import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CSI_DRIVERS,
    DAEMON_SETS,
    DEPLOYMENTS,
    DRIVER_LABEL,
    SNAPSHOT_CONTENTS,
    SNAPSHOTS,
    STATEFUL_SETS,
    Object,
    Snapshot,
    is_part,
)
from kubectl_aiocsi.rules.finding import Finding

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
            if not each.label(DRIVER_LABEL) and each.deleted is None and _serves(each, snapshot.driver):
                what, said = f"{kind.plural} {each.full_name}", f"it serves the name {snapshot.driver}, too"
                yield Finding("two-drivers", what, said, "docs/guides/take-over.md, or give one of them another name")


def _serves(one: Object, driver: str) -> bool:
    places = [each.text("hostPath", "path") for each in one.each("spec", "template", "spec", "volumes")]
    words = [word for each in containers(one, "spec", "template") for word in each.words("args")]
    return any(f"/plugins/{driver}" in each for each in (*places, *words))


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
    """Controller and nodes run one version of the driver, but while a rollout replaces the old one by itself."""
    images: dict[str, list[str]] = {}
    if any(_rolls_out(each) for component in ("controller", "node") for each in workload(snapshot, component)):
        return
    for component in ("controller", "node"):
        for pod in snapshot.pods(component):
            found = [each.text("image") for each in containers(pod) if each.text("name") == component]
            images.setdefault(next(iter(found), ""), []).append(pod.name)
    if len(images) > 1:
        told = "; ".join(f"{image}: {len(pods)} pods, such as {pods[0]}" for image, pods in sorted(images.items()))
        then = "helm upgrade; with updateStrategy OnDelete delete the old pods one by one"
        yield Finding("version-skew", "pods of the driver", told, then)


def _rolls_out(one: Object) -> bool:
    """Whether a workload is replacing its pods, and has not given up."""
    by_hand = one.text("spec", "updateStrategy", "type") == "OnDelete" or one.at("spec", "paused") is True
    wanted = one.number("status", "desiredNumberScheduled") or one.number("spec", "replicas")
    updated = one.number("status", "updatedNumberScheduled") or one.number("status", "updatedReplicas")
    given_up = one.condition("Progressing").text("status") == "False"
    return updated < wanted and not by_hand and not given_up


def kubernetes_version(snapshot: Snapshot) -> Iterator[Finding]:
    """The version of Kubernetes is one that the driver is tested with."""
    found = re.match(r"v1\.([0-9]+)", snapshot.server_version)
    if found and int(found[1]) not in TESTED:
        said = f"the driver is tested with Kubernetes 1.{TESTED[0]} to 1.{TESTED[-1]}"
        yield Finding("kubernetes-version", f"Kubernetes {snapshot.server_version}", said, "see docs/guides/install.md")
