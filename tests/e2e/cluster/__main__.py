"""``python -m tests.e2e.cluster up|down|run``: make the cluster of the end-to-end tests, or remove every trace of it.

``run [WORDS]`` makes the cluster, runs the tests (WORDS go to pytest), keeps logs and objects in artifacts/e2e, and
removes everything, also after a failure.
"""

import sys
import time
from collections.abc import Callable, Sequence

import pytest

from tests.e2e.cluster import cloud, driver, engine, evidence, images, nodes
from tests.e2e.cluster.background import NotReady
from tests.e2e.cluster.workspace import Workspace
from tests.harness.tools import ToolFailed, run
from tools import programs

CLUSTER = (
    *("kind", "kubectl", "kubeadm", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    *("kube-proxy", "etcd", "coredns", "runc", "containerd", "containerd-shim-runc-v2", "ctr"),
    *("loopback", "ptp", "host-local", "portmap", "helm"),
)
SIDECARS = tuple(recipe.program for recipe in images.SIDECARS)


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 it failed (the text says where), 2 wrong usage; of ``run``, that of pytest."""
    words = sys.argv[1:] if argv is None else list(argv)
    workspace = Workspace()
    commands: dict[str, Callable[[], int]] = {
        "up": lambda: up(workspace),
        "down": lambda: down(workspace),
        "run": lambda: up_test_and_down(workspace, words[1:]),
    }
    if not words or words[0] not in commands or (words[0] != "run" and words[1:]):
        print("usage: python -m tests.e2e.cluster up|down|run [WORDS]", file=sys.stderr)
        return 2
    try:
        return commands[words[0]]()
    except (ToolFailed, NotReady) as error:
        print(f"{error}\nlogs: {workspace.logs}", file=sys.stderr)
        return 1


def up_test_and_down(workspace: Workspace, words: Sequence[str]) -> int:
    """Make the cluster, run the tests, keep the evidence, remove everything; return pytest's exit status."""
    try:
        up(workspace)
        return pytest.main(["-q", "tests/e2e", *words])
    finally:
        if workspace.kubeconfig.exists():
            print(f"kept: {evidence.keep(workspace)}")
        down(workspace)


def up(workspace: Workspace) -> int:
    """Make what is missing, and install the driver anew."""
    step("programs", lambda: programs.build(*CLUSTER, *SIDECARS))
    step("docker engine", lambda: engine.up(workspace))
    gateway = nodes.gateway(workspace)
    embedded = cloud.up(workspace, gateway)
    if not nodes.exists(workspace):
        step("kind cluster", lambda: nodes.create(workspace, cloud.device_folders(embedded)))
    archives = [images.make(recipe) for recipe in images.SIDECARS]
    step("sidecars", lambda: nodes.load(workspace, *archives, images.busybox()))
    step("image", lambda: driver.bring_image(workspace))
    step("driver", lambda: driver.install(workspace, embedded))
    print(f"export KUBECONFIG={workspace.kubeconfig}")
    return 0


def down(workspace: Workspace) -> int:
    """Remove the cluster, the cloud with its disks, and the engine if it is ours."""
    if engine.answers(workspace):
        nodes.delete(workspace)
    cloud.down(workspace)
    engine.down(workspace)
    run("rm", "-rf", str(workspace.cloud), str(workspace.kubeconfig))
    return 0


def step(name: str, work: Callable[[], None]) -> None:
    """Do one step, and say how long it took."""
    begin = time.monotonic()
    work()
    print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
