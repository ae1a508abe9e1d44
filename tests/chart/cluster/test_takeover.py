"""``aiocsi-takeover`` on a control plane: what it changes, when it stops, and that the way back leads back.

No kubelet runs, so one is played: pods become ready once they have a node, and end when they are deleted.
"""

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest

from takeover import __main__ as command
from tests.chart.cluster.control_plane import NODES, ControlPlane
from tests.e2e.guides import Guide
from tests.e2e.manifests import DRIVER
from tests.e2e.predecessor import manifests
from tests.e2e.predecessor.manifests import CONTROLLER, NODE
from tools import go_programs
from tools.chart import CHART
from tools.chart.helm import REQUIRED
from tools.processes.run import ToolFailed, run
from tools.services.embedded_cloud import Droplet, EmbeddedCloud

IN = "--namespace=kube-system"
KUBELET_PAUSE = 0.2
LONG_AGO = {"status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}  # so that minReadySeconds have passed
CONDITIONS = [{"type": kind, **LONG_AGO} for kind in ("Initialized", "Ready", "ContainersReady")]
READY = json.dumps({"status": {"phase": "Running", "conditions": CONDITIONS}})
SHARED = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "shared"},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteMany"],
        "csi": {"driver": DRIVER, "volumeHandle": "x", "fsType": "ext4"},
    },
}
GUIDE = Guide.read("take-over")
KINDS = "statefulset,daemonset,deployment,serviceaccount"

pytestmark = pytest.mark.timeout(300)


class Kubelet:
    """Plays the kubelets of all nodes; on ``ailing`` no pod becomes ready."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self.ailing = ""

    def __enter__(self) -> Self:
        self._running = self._pool.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._running.result()
        self._pool.shutdown()

    def _run(self) -> None:
        while not self._ended.wait(KUBELET_PAUSE):
            for pod in self._plane.get("pods", IN):
                self._move(json.loads(json.dumps(pod)))

    def _move(self, pod: dict[str, dict[str, object]]) -> None:
        name = str(pod["metadata"]["name"])
        try:
            if pod["metadata"].get("deletionTimestamp"):
                self._plane.kubectl("delete", "pod", name, IN, "--force", "--wait=false", "--ignore-not-found")
            elif pod["status"].get("phase") == "Pending" and pod["spec"].get("nodeName") not in {None, self.ailing}:
                self._plane.kubectl("patch", "pod", name, IN, "--subresource=status", f"--patch={READY}")
        except ToolFailed:
            return  # it has just gone


@pytest.fixture
def there_before(plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubelet]:
    """A cluster that csi-digitalocean serves, and an operator's environment."""
    droplets = tuple(Droplet(number, "http://127.0.0.1:1/", tmp_path) for number in range(len(NODES)))
    items = manifests.everything(EmbeddedCloud("http://127.0.0.1:1/", "token", droplets))
    items += [csi_node(name) for name in NODES]
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, program in (("kubectl", "kubectl"), ("helm", "helm4")):
        (programs / name).symlink_to(go_programs.path(program))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig))
    monkeypatch.setenv("HOME", str(plane.folder))
    monkeypatch.chdir(tmp_path)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    plane.kubectl("apply", "--filename=-", stdin=text)
    with Kubelet(plane) as kubelet:
        for workload in (f"statefulset/{CONTROLLER}", f"daemonset/{NODE}"):
            plane.kubectl("rollout", "status", workload, IN, "--timeout=60s")
        yield kubelet
        for release in plane.releases():
            plane.helm("helm4", "uninstall", release, IN)
        plane.kubectl("delete", "--filename=-", "--ignore-not-found", stdin=text)
        plane.kubectl("wait", "--for=delete", "pod", IN, "--all", "--timeout=60s")


def csi_node(name: str) -> dict[str, object]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name},
        "spec": {"drivers": [{"name": DRIVER, "nodeID": name, "topologyKeys": ["region"]}]},
    }


def takeover(verb: str, *more: str) -> int:
    return command.main([verb, f"--chart={CHART}", "--seconds=60", *more, "--", f"--values={REQUIRED}"])


def objects(plane: ControlPlane) -> set[str]:
    """Return what both drivers have in the cluster, by name."""
    found = plane.kubectl("get", KINDS, IN, "--output=name").split()
    classes = plane.get("storageclasses")
    told = {f"{each['metadata']['name']} {each.get('volumeBindingMode')}" for each in json.loads(json.dumps(classes))}
    return {*(each for each in found if "csi" in each), *told}


def test_it_takes_over_and_goes_back_to_what_was_there(
    plane: ControlPlane, there_before: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    before = objects(plane)
    assert takeover("plan") == 0, capsys.readouterr()
    assert objects(plane) == before
    assert (Path("takeover").stat().st_mode & 0o77, Path("takeover/before.yaml").exists()) == (0, True)
    assert takeover("apply") == 0, capsys.readouterr()
    during = objects(plane)
    assert not [each for each in during if "csi-do-" in each]
    assert {"deployment.apps/aiocsi-controller", "daemonset.apps/aiocsi-node"} <= during
    assert takeover("apply") == 0, "a second time nothing is wrong"
    assert objects(plane) == during
    assert takeover("back") == 0, capsys.readouterr()
    assert objects(plane) == before
    by_hand("The same by hand")
    assert objects(plane) == during
    by_hand("Back by hand")
    assert objects(plane) == before
    assert there_before.ailing == ""


def by_hand(heading: str) -> None:
    """Type what the guide has below a heading, with Helm 4 and the values of these tests."""
    own = f"{CHART} --server-side=false --values={REQUIRED}"
    typed = "\n".join(GUIDE.commands(heading)).replace("charts/aiocsi", own)
    run("bash", "-euo", "pipefail", "-c", typed, seconds=240)


def test_a_node_on_which_it_would_not_work_and_a_volume_that_it_refuses_are_named_before_anything_is_changed(
    plane: ControlPlane, there_before: Kubelet, capsys: pytest.CaptureFixture[str]
) -> None:
    before = objects(plane)
    there_before.ailing = "two"
    plane.kubectl("create", "--filename=-", stdin=json.dumps(SHARED))
    try:
        assert takeover("plan", "--seconds=8") == 1
    finally:
        plane.kubectl("delete", "pv", "shared")
    said = capsys.readouterr().out
    assert "✗ node two: its check did not end in time" in said
    assert "✗ PersistentVolume shared: access mode ReadWriteMany" in said
    assert takeover("apply") == 1
    assert "has not passed" in capsys.readouterr().err
    assert objects(plane) == before


def test_a_step_that_fails_stops_it_and_names_the_way_back(
    plane: ControlPlane, there_before: Kubelet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = objects(plane)
    assert takeover("plan") == 0
    there_before.ailing = "one"
    monkeypatch.setattr("takeover.steps.READY_SECONDS", 20.0)
    plan = json.loads(Path("takeover/plan.json").read_text())
    Path("takeover/plan.json").write_text(json.dumps({**plan, "words": [*plan["words"], "--timeout=10s"]}))
    assert takeover("apply") == 1
    assert "go back: aiocsi-takeover back --folder takeover" in capsys.readouterr().out
    there_before.ailing = ""
    assert takeover("back") == 0
    assert objects(plane) == before
