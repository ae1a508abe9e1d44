"""``kubectl aiocsi`` on a real cluster: what is broken on purpose is named, and nothing else.

``test_faults`` and ``test_absences`` ask it, too, where they take away the token, the cloud, the driver and the room.
"""

import json
import os
import tarfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kubectl_aiocsi.__main__ import main
from kubectl_aiocsi.rules.finding import Finding
from kubectl_aiocsi.rules.lasting import SETTLES
from kubectl_aiocsi.rules.sensitive import forms
from tests.chart.cluster.breakages import World
from tests.chart.cluster.world import SYSTEM, Writer
from tests.e2e.actions import FAULTS
from tests.e2e.breakages import MENDED_SECONDS, PLAIN, SIDE_BY_SIDE, TOLD_SECONDS, Breakage, Shop, by_hand, until
from tests.e2e.cluster import cloud, driver, nodes
from tests.e2e.cluster.workspace import Workspace
from tests.e2e.shared_breakages import ONE_BY_ONE, PODS_OF_CONTROLLER, Shared

Told = dict[str, tuple[set[str], list[tuple[str, str]]]]  # by name: what doctor finds, what why says

pytestmark = [pytest.mark.timeout(600), pytest.mark.alone]


@pytest.fixture(scope="module")
def shop(workspace: Workspace) -> Iterator[Shop]:
    """A namespace with a class, and with a pod that is well."""
    writer = Writer(workspace.kubeconfig)
    world = World(workspace.kubeconfig, writer, timedelta(0), f"shop-{os.getpid()}")
    made = Shop(world, workspace, cloud.up(workspace, nodes.gateway(workspace)))
    workspace.kubectl("create", "namespace", world.namespace)
    made.storage_class(PLAIN)
    made.claim("well")
    made.pod("well")
    workspace.kubectl("wait", f"--namespace={world.namespace}", "--for=condition=Ready", "pod/well", "--timeout=120s")
    yield made
    workspace.kubectl("delete", "namespace", world.namespace, "--timeout=120s")
    classes = writer.get("/apis/storage.k8s.io/v1/storageclasses").each("items")
    for each in [each.name for each in classes if each.name.startswith(world.namespace)]:
        writer.delete(f"/apis/storage.k8s.io/v1/storageclasses/{each}")
    writer.close()


@pytest.fixture(scope="module")
def told(shop: Shop) -> Told:
    """What is told of all that is broken side by side; a finding that is of none of them has an empty name."""
    for each in SIDE_BY_SIDE:
        if each.bound:
            shop.claim(each.name)
    ids = {each.name: shop.volume_id(each.name) for each in SIDE_BY_SIDE if each.bound}
    for each in SIDE_BY_SIDE:
        each.make(shop, each.name)
    wanted = {each.name: {each.id} for each in SIDE_BY_SIDE}
    with suppress(TimeoutError):
        until(lambda: sorted_by_name(shop) == wanted or None, TOLD_SECONDS)

    found = sorted_by_name(shop)
    asked = {each.name: shop.world.broken(each.name, each.kind) if each.link else [] for each in SIDE_BY_SIDE}
    mend(shop, ids)
    return {name: (found.get(name, set()), asked.get(name, [])) for name in {*found, *asked}}


def sorted_by_name(shop: Shop) -> dict[str, set[str]]:
    """Return the ids of what doctor finds, by the breakage whose claim, pod or volume is named."""
    found: dict[str, set[str]] = {}
    for finding in replace(shop.world, later=SETTLES).every_finding():
        found.setdefault(whose(shop, finding), set()).add(finding.id)
    return found


def whose(shop: Shop, finding: Finding) -> str:
    claims = shop.world.writer.get("/api/v1/persistentvolumes").each("items")
    volumes = {each.name: each.text("spec", "claimRef", "name") for each in claims}
    named = next((claim for volume, claim in volumes.items() if volume in finding.what), "")
    return named or next((each.name for each in SIDE_BY_SIDE if finding.what.endswith(f"/{each.name}")), "")


def mend(shop: Shop, ids: dict[str, str]) -> None:
    """Take all of it away; what is left in the cloud, too."""
    shop.ask_cloud("DELETE", FAULTS)
    for each in shop.opened:
        os.close(each)
    names = [each.name for each in SIDE_BY_SIDE]
    argv = ("delete", f"--namespace={shop.namespace}", "--ignore-not-found", "--wait=false")
    for kind in ("pod", "volumesnapshot", "pvc"):
        shop.workspace.kubectl(*argv, kind, *names)
    for volume in shop.world.writer.get("/api/v1/persistentvolumes").each("items"):
        if volume.text("spec", "claimRef", "name") == "left-over":
            change = {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}
            shop.world.writer.merge(f"/api/v1/persistentvolumes/{volume.name}", change)
    by_hand(shop, "detach", ids["by-hand"])
    shop.ask_cloud("DELETE", f"/v2/volumes/{ids['lost']}")


def test_a_cluster_that_is_well_has_no_finding(shop: Shop) -> None:
    with suppress(TimeoutError):
        until(lambda: not shop.world.findings() or None, MENDED_SECONDS)  # what an earlier test had broken mends

    assert shop.world.findings() == {}
    assert shop.world.broken("well") == []


@pytest.mark.parametrize("breakage", SIDE_BY_SIDE, ids=str)
def test_what_is_broken_is_named_by_its_check_and_why_names_the_link(told: Told, breakage: Breakage) -> None:
    found, broken = told[breakage.name]
    assert found == {breakage.id}
    assert [link for link, _ in broken] == ([breakage.link] if breakage.link else [])


def test_nothing_else_is_named_and_nothing_at_all_when_it_is_mended(shop: Shop, told: Told) -> None:
    assert set(told) == {each.name for each in SIDE_BY_SIDE}
    until(lambda: not shop.world.findings() or None, MENDED_SECONDS)


@pytest.mark.parametrize("shared", ONE_BY_ONE, ids=str)
def test_what_is_broken_for_all_is_named_by_its_check(shop: Shop, shared: Shared) -> None:
    world = replace(shop.world, later=shared.later)
    with shared.make(shop):
        with suppress(TimeoutError):
            until(lambda: set(world.findings()) == {shared.id} or None, TOLD_SECONDS)

        assert set(world.findings()) == {shared.id}, world.findings()
        links = [each for each, _ in world.broken(shared.name, shared.kind)] if shared.name else []
        assert links == ([shared.link] if shared.link else [])
    driver.rolled_out(shop.workspace)
    until(lambda: not shop.world.findings() or None, MENDED_SECONDS)


def test_a_bundle_holds_no_secret_of_the_cluster(shop: Shop, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    assert main(["bundle", f"--kubeconfig={shop.workspace.kubeconfig}", f"--file={bundle}"]) == 0
    with tarfile.open(bundle) as archive:
        kept = "\n".join(opened.read().decode() for each in archive if (opened := archive.extractfile(each)))
    assert len(kept) > 100_000
    items = json.loads(shop.workspace.kubectl("get", "secrets", "--all-namespaces", "--output=json"))["items"]
    values = [b64decode(value).decode(errors="replace") for each in items for value in each.get("data", {}).values()]
    assert shop.cloud.token in values
    assert [value for value in values if len(value) > 16 and any(form in kept for form in forms(value))] == []


def test_the_volumes_are_told_to_those_who_know_the_pod(shop: Shop) -> None:
    pod, *_ = shop.world.writer.get(PODS_OF_CONTROLLER).each("items")
    path = f"{SYSTEM}/pods/{pod.name}:9810/proxy/volumes"
    assert "volumes" in shop.world.writer.get(f"{path}/{pod.uid}").json
    with pytest.raises(AssertionError, match="try /healthz"):
        shop.world.writer.get(path)
