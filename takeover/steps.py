"""The steps of the change, in order, and of the way back; each may be repeated, and is looked at before the next."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kubectl_aiocsi.records import DEFAULT_DRIVER, DRIVER_LABEL, Object, is_part
from takeover import predecessor
from takeover.cluster import Cluster, NotDoneError
from takeover.predecessor import CONTROLLER, NODE, PARTS

READY_SECONDS = 180.0
SELECTOR = f"{DRIVER_LABEL}={DEFAULT_DRIVER}"


@dataclass(frozen=True)
class Plan:
    """What ``plan`` has found and the operator has chosen; kept in the folder."""

    release: str
    chart: str
    words: tuple[str, ...]  # for helm
    keep_classes: bool
    passed: bool

    def write(self, folder: Path) -> None:
        """Keep it."""
        (folder / "plan.json").write_text(json.dumps(self.__dict__, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it. Raises NotDoneError."""
        try:
            told = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
            return cls(**{**told, "words": tuple(told["words"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise NotDoneError(f"{folder} has no plan ({error}): run aiocsi-takeover plan --folder {folder}") from error

    def check(self, folder: Path) -> None:
        """Raise NotDoneError if the plan has not passed."""
        if not self.passed:
            raise NotDoneError(f"the plan in {folder} has not passed: correct what it names, and run plan again")


@dataclass(frozen=True)
class Step:
    """One step: ``act`` does it, and waits until it can be seen that it is done. Raises NotDoneError."""

    title: str
    act: Callable[[], None]


def change(cluster: Cluster, plan: Plan) -> Iterator[Step]:
    """Yield the steps from csi-digitalocean to aiocsi."""
    yield Step(
        "stop the old controller: from here no volume is made or moved, and running pods go on", lambda: _stop(cluster)
    )
    yield Step("remove the old node service: mounts belong to the host, and stay", lambda: _remove_node(cluster))
    if not plan.keep_classes:
        yield Step("remove the old StorageClasses: volumes do not need theirs", lambda: _remove_classes(cluster))
    yield Step("install aiocsi, and wait until it is ready on every node", lambda: _install(cluster, plan))
    yield Step("see that each node lists the driver", lambda: _registered(cluster))
    yield Step("remove what is left of the old driver", lambda: _remove_rest(cluster))


def back(cluster: Cluster, plan: Plan, saved: Path) -> Iterator[Step]:
    """Yield the steps back, which may begin after any step of the change; ``saved`` has the old driver's manifests."""
    yield Step("uninstall aiocsi, and wait until its pods are gone", lambda: _uninstall(cluster, plan))
    yield Step("apply the saved manifests of the old driver", lambda: _restore(cluster, saved))
    yield Step("wait until the old driver is ready on every node", lambda: _old_is_ready(cluster))


def _stop(cluster: Cluster) -> None:
    where = f"--namespace={cluster.namespace}"
    if CONTROLLER in {each.name for each in cluster.every("statefulsets")}:
        cluster.kubectl("scale", f"statefulset/{CONTROLLER}", "--replicas=0", where)
    cluster.until_no_pod(f"app={CONTROLLER}", READY_SECONDS)


def _remove_node(cluster: Cluster) -> None:
    cluster.kubectl("delete", f"daemonset/{NODE}", f"--namespace={cluster.namespace}", "--ignore-not-found")
    cluster.until_no_pod(f"app={NODE}", READY_SECONDS)


def _remove_classes(cluster: Cluster) -> None:
    old = [each.name for each in predecessor.classes(cluster) if not _is_of_helm(each)]
    if old:
        cluster.kubectl("delete", "storageclass", *old)


def _is_of_helm(found: Object) -> bool:
    return found.label("app.kubernetes.io/managed-by") == "Helm"


def _install(cluster: Cluster, plan: Plan) -> None:
    words = [*plan.words, *(["--set", "storageClasses.create=false"] if plan.keep_classes else [])]
    cluster.install(plan.release, plan.chart, "--wait", *words)


def _registered(cluster: Cluster) -> None:
    pods = [each for each in cluster.every("pods") if each.label(DRIVER_LABEL) == DEFAULT_DRIVER]
    names = [each.text("spec", "nodeName") for each in pods if is_part(each, "node")]
    if not names:
        raise NotDoneError(
            f"no node has a pod of aiocsi's node service in {cluster.namespace}: see kubectl get daemonsets there"
        )
    if lacking := predecessor.missing(names, cluster):
        raise NotDoneError(f"the driver is not registered on {', '.join(lacking)}: see the log of its pod there")


def _remove_rest(cluster: Cluster) -> None:
    where, gone = f"--namespace={cluster.namespace}", "--ignore-not-found"
    accounts = [f"serviceaccount/{name}-sa" for name in (CONTROLLER, NODE)]
    cluster.kubectl("delete", f"statefulset/{CONTROLLER}", *accounts, where, gone)
    roles = [
        name
        for part in PARTS
        for name in (f"clusterrole/csi-do-{part}-role", f"clusterrolebinding/csi-do-{part}-binding")
    ]
    cluster.kubectl("delete", *roles, gone)


def _uninstall(cluster: Cluster, plan: Plan) -> None:
    if cluster.released(plan.release):
        cluster.helm("uninstall", plan.release)
    cluster.until_no_pod(SELECTOR, READY_SECONDS)


def _restore(cluster: Cluster, saved: Path) -> None:
    if not saved.exists():
        raise NotDoneError(
            f"{saved} is missing: the plan found no old driver; apply the manifests of its release by hand"
        )
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={saved}")


def _old_is_ready(cluster: Cluster) -> None:
    for workload in (f"statefulset/{CONTROLLER}", f"daemonset/{NODE}"):
        cluster.until_ready(workload, READY_SECONDS)
