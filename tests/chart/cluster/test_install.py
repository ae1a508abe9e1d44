"""Each sample of values, installed, upgraded, rolled back and uninstalled, by both versions of Helm."""

import asyncio
import itertools
import json
from pathlib import Path

import pytest

from tests.chart.cluster.control_plane import NODES, ControlPlane
from tests.chart.documents import realistic
from tools.chart import CHART, helm, snapshots
from tools.processes.program import until
from tools.processes.run import ToolFailed

REALISTIC = [pytest.param(values, id=name) for name, values in realistic()]
WAYS = [
    pytest.param(("helm", ()), id="Helm 3"),
    pytest.param(("helm4", ("--server-side=false",)), id="Helm 4, client side"),
    pytest.param(("helm4", ("--server-side=true",)), id="Helm 4, server side"),
]
Way = tuple[str, tuple[str, ...]]
SAMPLES = [  # each by one way of the three in turn
    pytest.param(values, *way.values, id=f"{snapshots.name(values)}, {way.id}")
    for values, way in zip(snapshots.inputs(), itertools.cycle(WAYS), strict=False)
]
SCHEDULED_SECONDS = 60.0
IN = "--namespace=kube-system"
ALONE = ("--set=storageClasses.create=false", "--set=snapshots.enabled=false")  # no class refuses the new name, too


def install(plane: ControlPlane, way: Way, *more: str, values: str = "", release: str = "aiocsi") -> None:
    program, side = way
    argv = ("upgrade", "--install", release, str(CHART), IN, f"--values={helm.REQUIRED}", "--values=-", *side, *more)
    plane.helm(program, *argv, stdin=values)


def wanted(plane: ControlPlane) -> int | None:
    """Return how many pods the chart's workloads ask for; None while a DaemonSet was not looked at yet."""

    def each(kind: str, path: str) -> list[str]:
        """Return the value at ``path`` of each workload of the chart."""
        found = f"--output=jsonpath={{range .items[*]}}{{{path}}},{{end}}"
        told = plane.kubectl("get", kind, IN, "--selector=app.kubernetes.io/managed-by=Helm", found)
        return told.split(",")[:-1]

    if "" in each("daemonsets", ".status.observedGeneration"):
        return None
    numbers = each("deployments", ".spec.replicas") + each("daemonsets", ".status.desiredNumberScheduled")
    return sum(map(int, numbers))


def all_scheduled(plane: ControlPlane) -> int:
    """Wait until every pod has its node; return how many there are. Raises TimeoutError."""

    def look() -> int | None:
        found = plane.pods()
        return len(found) if len(found) == wanted(plane) and all(found.values()) else None

    with asyncio.Runner() as runner:
        return runner.run(until(look, SCHEDULED_SECONDS))


def told(plane: ControlPlane) -> str:
    """Return what the workloads are told: how many pods of which content."""
    path = "--output=jsonpath={.items[*].spec.replicas} {.items[*].spec.template}"
    return plane.kubectl("get", "deployments,daemonsets", IN, "--selector=app.kubernetes.io/managed-by=Helm", path)


def live(plane: ControlPlane, way: Way, *change: str, values: str = "") -> None:
    """Upgrade a release by this change, roll it back, and uninstall it; each must leave what it should."""
    before = told(plane)
    install(plane, way, *change, values=values)
    assert told(plane) != before
    plane.helm(way[0], "rollback", "aiocsi", IN, *way[1])
    assert told(plane) == before
    plane.helm(way[0], "uninstall", "aiocsi", IN)
    left = plane.kubectl("get", "csidrivers,storageclasses,clusterroles,deployments,daemonsets", "--all-namespaces")
    assert "aiocsi" not in left
    assert "digitalocean" not in left


@pytest.mark.parametrize(("values", "way"), SAMPLES)
def test_each_sample_finds_nodes_for_its_pods_and_lives_to_its_end(plane: ControlPlane, values: Path, way: Way) -> None:
    install(plane, way, values=values.read_text())
    assert all_scheduled(plane) >= len(NODES)
    live(plane, way, "--set=controller.podAnnotations.upgraded=yes", values=values.read_text())


@pytest.mark.parametrize("values", REALISTIC)
def test_the_api_server_takes_what_is_made_of_realistic_values(plane: ControlPlane, values: str) -> None:
    manifests = helm.template(values)
    dry_run = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename=-")
    applied = plane.kubectl(*dry_run, stdin=manifests)
    assert applied.count("serverside-applied") == manifests.count("\nkind: ")


@pytest.mark.parametrize("way", WAYS)
def test_a_release_lives_through_an_upgrade_a_rollback_and_its_end(plane: ControlPlane, way: Way) -> None:
    install(plane, way)
    all_scheduled(plane)
    live(plane, way, "--set=controller.replicas=3", "--set=driver.logLevel=debug")


@pytest.mark.parametrize("way", WAYS)
def test_an_upgrade_that_renames_the_driver_is_refused_before_a_pod_is_replaced(plane: ControlPlane, way: Way) -> None:
    install(plane, way, *ALONE)
    with pytest.raises(ToolFailed, match="immutable"):
        install(plane, way, *ALONE, "--set=driver.name=other.example.com")
    [daemonset] = plane.get("daemonsets", IN, "--selector=app.kubernetes.io/component=node")
    assert "other.example.com" not in json.dumps(daemonset)


def test_two_releases_with_two_names_serve_one_cluster(plane: ControlPlane) -> None:
    install(plane, ("helm", ()))
    second = """
        driver: {name: b.example.com}
        node: {httpPort: 9830}
        storageClasses: {create: false}
        snapshots: {enabled: false}
    """
    install(plane, ("helm", ()), values=second, release="second")
    assert all_scheduled(plane) == 2 * (2 + len(NODES))


def test_a_pod_that_runs_and_is_not_ready_can_be_evicted(plane: ControlPlane) -> None:
    install(plane, ("helm", ()))
    all_scheduled(plane)
    for name in plane.pods():
        plane.kubectl("patch", "pod", name, IN, "--subresource=status", '--patch={"status": {"phase": "Running"}}')
    evicted = next(name for name in plane.pods() if "controller" in name)
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": evicted, "namespace": "kube-system"},
    }
    path = f"/api/v1/namespaces/kube-system/pods/{evicted}/eviction"
    assert "Success" in plane.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))
