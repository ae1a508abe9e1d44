"""``python -m tests.e2e.cluster up|down|run|programs|missing``: make the cluster of the end-to-end tests, or remove it.

``run [--third] [WORDS]`` makes the cluster, runs the tests (WORDS go to pytest), with ``--third`` a third of upstream's
suite as well, keeps logs and objects in artifacts/e2e, and removes everything, also after a failure. ``programs`` only
builds what all of that needs, ``missing`` prints what this machine lacks for good, and fails if that is nothing.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.cluster import cloud, driver, engine, host, images, nodes, trial
from tests.e2e.cluster.background import NotReady
from tests.e2e.cluster.way import Way, found, kept
from tests.e2e.cluster.workspace import Workspace
from tests.e2e.suite import PROGRAMS
from tools import go_programs
from tools.processes import traces
from tools.processes.run import ToolFailed, run

CLUSTER = (
    *("kind", "kubectl", "kubeadm", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    *("kube-proxy", "etcd", "coredns", "runc", "containerd", "containerd-shim-runc-v2", "ctr"),
    *("loopback", "ptp", "host-local", "portmap", "helm"),
)
PUBLISHED = ("kind", "kubectl", "helm")  # all that is built where images are pulled
CANNOT = 3
IN_IMAGES = tuple(recipe.program for recipe in (*images.SIDECARS, *images.TEST_SUITE))


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 it failed, 2 wrong usage, 3 this machine cannot have a cluster."""
    words = sys.argv[1:] if argv is None else list(argv)
    workspace = Workspace()
    commands: dict[str, Callable[[], int]] = {
        "up": lambda: up(workspace),
        "down": lambda: down(workspace),
        "programs": lambda: build(found()),
        "missing": tell_what_is_missing,
        "run": lambda: trial.run(workspace, words[1:], lambda: up(workspace), lambda: down(workspace)),
    }
    if not words or words[0] not in commands or (words[0] != "run" and words[1:]):
        print("usage: python -m tests.e2e.cluster programs|missing|up|down|run [--third] [WORDS]", file=sys.stderr)
        return 2
    if words[0] in {"programs", "up", "run"} and (missing := host.missing()):
        print(f"no cluster on this machine, it lacks: {', '.join(missing)}", file=sys.stderr)
        return CANNOT
    try:
        return commands[words[0]]()
    except (ToolFailed, NotReady, ValueError) as error:
        print(f"{error}\nlogs: {workspace.logs}", file=sys.stderr)
        return 1


def tell_what_is_missing() -> int:
    """Print on one line what this machine lacks and nobody can give it; return 0 if there is something, else 1."""
    lacking = [] if os.geteuid() != 0 else host.missing()  # whoever is not root may become it, and cannot see the rest
    print(", ".join(lacking))
    return 0 if lacking else 1


def build(way: Way) -> int:
    """Build the programs of the cluster and of upstream's suite that are not there yet."""
    go_programs.build(*needed(way), *PROGRAMS)
    return 0


def needed(way: Way) -> tuple[str, ...]:
    """Return the programs that a cluster is made with."""
    return PUBLISHED if way is Way.PUBLISHED else (*CLUSTER, *IN_IMAGES)


def up(workspace: Workspace) -> int:
    """Make what is missing, and install the driver anew."""
    way = kept(workspace)
    print(f"images: {way.value}")
    step("programs", lambda: go_programs.build(*needed(way)))
    step("docker engine", lambda: engine.up(workspace))
    gateway = nodes.gateway(workspace)
    embedded = cloud.up(workspace, gateway)
    with ThreadPoolExecutor(max_workers=1) as beside:
        image = beside.submit(driver.make_image, workspace)
        if nodes.exists(workspace):
            nodes.must_be_as_asked(workspace, way)
        else:
            step("kind cluster", lambda: nodes.create(workspace, way, cloud.device_folders(embedded)))
        step("image", lambda: nodes.load(workspace, image.result()))
    step("driver", lambda: driver.install(workspace, embedded))
    print(f"export KUBECONFIG={workspace.kubeconfig}")
    return 0


def down(workspace: Workspace) -> int:
    """Remove the cluster, the cloud with its disks, and the engine if it is ours; also what a killed run has left."""
    if engine.is_ours(workspace):
        engine.up(workspace)  # if it was killed, its containers still run, and it finds them again
    if go_programs.path("kind").exists() and engine.answers(workspace):
        nodes.delete(workspace)
    cloud.down(workspace)
    engine.down(workspace)
    traces.clean(workspace.folder)
    run("rm", "-rf", str(workspace.cloud), str(workspace.kubeconfig), str(workspace.way))
    return 0


def step(name: str, work: Callable[[], object]) -> None:
    """Do one step, and say how long it took."""
    begin = time.monotonic()
    work()
    print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
