"""All checks, and which finding explains which: what is told is the cause, not everything that follows from it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial

from kubectl_aiocsi import records
from kubectl_aiocsi.records import Snapshot
from kubectl_aiocsi.rules.checks import cloud, controller, install, nodes, volumes
from kubectl_aiocsi.rules.finding import Check, Finding, Level

_WORKLOADS = (records.DEPLOYMENTS, records.DAEMON_SETS)
_PODS = (records.DRIVER_PODS, records.WARNINGS)
_SERVED = (records.NODES, records.CSI_NODES, records.DRIVER_PODS, records.DAEMON_SETS)
_STUCK = (records.CLAIMS, records.VOLUMES, records.ATTACHMENTS, records.WARNINGS)
Find = Callable[[Snapshot], Iterable[Finding]]
BY_MESSAGE = {  # the ids that what is stuck is sorted into: how bad it is, and what is looked at
    "class-secret-missing": "the Secrets that classes name are there",
    "account-limit": "the account may have more volumes",
    "volume-gone": "the cloud has every volume that is used",
    "server-gone": "the cloud has every node",
    "node-full": "pods find a node that takes another volume",
    "snapshot-limit": "the cloud takes the snapshots that are asked for",
    "attached-elsewhere": "no volume is asked for on two nodes",
    "disk-foreign": "each disk holds what is expected of it",
    "filesystem-damaged": "the file systems are sound",
    "device-errors": "the disks answer without errors",
    "device-missing": "the disks of attached volumes are on their nodes",
    "device-busy": "no disk or mount is held by something else",
    "passphrase": "the passphrases open their volumes",
    "class-parameters": "the driver takes what classes and claims ask for",
    "claim-lost": "each claim has its volume",
    "class-missing": "the StorageClasses that claims name are there",
    "claim-stuck": "no claim waits for its volume",
    "expand-stuck": "no volume waits to be grown or changed",
    "va-stuck": "no attach or detach takes longer than 5 minutes",
    "mount-stuck": "no pod waits for a mount",
    "snapshot-stuck": "no snapshot waits",
}
_MILD = {
    "account-limit",
    "node-full",
    "snapshot-limit",
    "snapshot-stuck",
    "expand-stuck",
    "class-parameters",
    "class-missing",
}


def _both(own: Find) -> Find:
    """Return what a check of its own finds, and else what stuck objects tell of the same."""
    return lambda snapshot: [*own(snapshot)] or [*volumes.stuck(snapshot)]


CHECKS = (
    Check(
        "driver-missing", Level.CRITICAL, "the driver is installed", (records.CSI_DRIVERS, *_WORKLOADS), install.missing
    ),
    Check(
        "two-drivers",
        Level.CRITICAL,
        "nothing else has the driver's name",
        (records.CSI_DRIVERS, *_WORKLOADS, records.STATEFUL_SETS),
        install.two_drivers,
    ),
    Check("token-secret", Level.CRITICAL, "the Secret with the token is there", _PODS, cloud.token_secret),
    Check(
        "token",
        Level.CRITICAL,
        "the cloud lets the token in",
        _PODS,
        _both(partial(cloud.let_in, wanted="token")),
    ),
    Check(
        "cloud-unreachable",
        Level.CRITICAL,
        "the cloud answers",
        _PODS,
        _both(partial(cloud.let_in, wanted="cloud-unreachable")),
    ),
    Check(
        "token-scopes",
        Level.CRITICAL,
        "the token has the scopes that it needs",
        _PODS,
        _both(cloud.scopes),
    ),
    Check("rate-limit", Level.WARNING, "the account has requests left", _PODS, _both(cloud.rate_limit)),
    Check(
        "rbac",
        Level.CRITICAL,
        "the sidecars have their rights",
        (records.CLUSTER_ROLES, records.CLUSTER_ROLE_BINDINGS, records.DEPLOYMENTS),
        _both(install.rights),
    ),
    Check(
        "crd-snapshots",
        Level.CRITICAL,
        "the snapshot CRDs are there where they are needed",
        (records.DEPLOYMENTS,),
        install.snapshot_crds,
    ),
    Check(
        "region",
        Level.CRITICAL,
        "controller, nodes and claims are in one region",
        (records.NODES, records.DEPLOYMENTS),
        _both(nodes.region),
    ),
    Check(
        "controller-down",
        Level.CRITICAL,
        "the controller's pods are ready",
        (records.DEPLOYMENTS, records.NODES, *_PODS),
        controller.down,
    ),
    Check(
        "leases",
        Level.CRITICAL,
        "each sidecar has a leader",
        (records.LEASES, records.DEPLOYMENTS),
        controller.leases,
    ),
    Check("csinode-missing", Level.CRITICAL, "the driver is registered on every node", _SERVED, nodes.csinode_missing),
    Check("kubelet-path", Level.CRITICAL, "kubelet finds the driver", _SERVED, nodes.kubelet_path),
    Check("node-plugin-down", Level.CRITICAL, "the driver's pod is ready on every node", _SERVED, nodes.plugin_down),
    Check(
        "node-lost", Level.CRITICAL, "no node with volumes is lost", (records.NODES, records.ATTACHMENTS), nodes.lost
    ),
    Check("taint-stuck", Level.WARNING, "no taint is left on a node that is well", (records.NODES,), nodes.taint_stuck),
    Check(
        "limit-mismatch",
        Level.WARNING,
        "each node tells a true limit of volumes",
        (records.CSI_NODES, records.ATTACHMENTS),
        nodes.limit_mismatch,
    ),
    Check(
        "automount-rule",
        Level.WARNING,
        "the cloud's automount rule is removed",
        (records.DAEMON_SETS,),
        nodes.automount_rule,
    ),
    Check("sidecar-skew", Level.WARNING, "the sidecars are new enough", (records.DEPLOYMENTS,), install.sidecar_skew),
    Check(
        "version-skew", Level.WARNING, "one version of the driver runs", (records.DRIVER_PODS,), install.version_skew
    ),
    Check(
        "kubernetes-version", Level.WARNING, "the driver is tested with this Kubernetes", (), install.kubernetes_version
    ),
    Check(
        "pv-released", Level.WARNING, "no volume is left over", (records.VOLUMES, records.WARNINGS), volumes.released
    ),
    Check(
        "pod-terminating",
        Level.CRITICAL,
        "no pod with a volume is left over after its end",
        (records.TERMINATING_PODS, records.CLAIMS, records.VOLUMES),
        volumes.terminating,
    ),
    Check("default-class", Level.WARNING, "one StorageClass is the default", (records.CLASSES,), volumes.default_class),
    *(
        Check(name, Level.WARNING if name in _MILD else Level.CRITICAL, title, _STUCK, volumes.stuck)
        for name, title in BY_MESSAGE.items()
    ),
)
_NO_CONTROLLER = {
    "driver-missing",
    "token-secret",
    "token",
    "cloud-unreachable",
    "crd-snapshots",
    "rbac",
    "controller-down",
}
_FOLLOWS = {"claim-stuck", "va-stuck", "snapshot-stuck", "expand-stuck", "leases"}
_NODE = {"csinode-missing", "node-plugin-down", "kubelet-path", "node-lost"}
EXPLAINED_BY = {
    "controller-down": _NO_CONTROLLER,
    **dict.fromkeys(
        _FOLLOWS,
        _NO_CONTROLLER
        | {"leases", "csinode-missing", "kubelet-path", "node-lost", "two-drivers", "token-scopes", "rate-limit"},
    ),
    "mount-stuck": _NODE,
    "pod-terminating": _NODE,
    "cloud-unreachable": {"token-secret", "token"},
    "rbac": {"driver-missing"},
    "csinode-missing": {"driver-missing"},
    "attached-elsewhere": {"node-lost"},
    "server-gone": {"node-lost"},
}


@dataclass(frozen=True)
class Result:
    """How a check ended: what it found, or why it was skipped."""

    check: Check
    findings: tuple[Finding, ...] = ()
    skipped: str = ""

    @property
    def level(self) -> Level:
        """How bad it is."""
        return self.check.level if self.findings else Level.OK


def examine(snapshot: Snapshot) -> list[Result]:
    """Return the result of every check. What several checks find together is looked for once."""
    find = cache(lambda look: tuple(look(snapshot)))
    found = [_result(check, snapshot, find) for check in CHECKS]
    broken = {result.check.id for result in found if result.findings}
    return [
        Result(result.check) if EXPLAINED_BY.get(result.check.id, set()) - {result.check.id} & broken else result
        for result in found
    ]


def _result(check: Check, snapshot: Snapshot, find: Callable[[Find], Iterable[Finding]]) -> Result:
    unread = next((snapshot.unread[kind] for kind in check.needs if kind in snapshot.unread), "")
    found = () if unread else find(check.find)
    return Result(check, tuple(each for each in found if each.id == check.id), unread)


def worst(results: Iterable[Result]) -> Level:
    """Return the exit status of all of them."""
    return max((result.level for result in results), default=Level.OK)
