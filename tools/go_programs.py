"""Programs built from Go modules, each at the version of tests/e2e/programs/list.txt: helm, kind, Kubernetes, sidecars.

``python -m tools.go_programs NAME…`` builds those that are not in the cache yet, and prints their paths.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import golang
from tools.venv import ROOT

FOLDER = ROOT / "tests" / "e2e" / "programs"
OWN = ROOT / "tests" / "e2e" / "go"
BUILD_SECONDS = 5400
VARIABLE = "AIOCSI_KUBERNETES"
"""The minor version of Kubernetes that a cluster is made of, of kubernetes.txt; without it, the one of list.txt."""
KUBERNETES, OF_CLUSTER = "k8s.io/kubernetes", "cmd/"


@dataclass(frozen=True)
class Kubernetes:
    """Another version of Kubernetes, with the tags by which its kubeadm asks for etcd, CoreDNS and pause."""

    minor: str
    version: str
    etcd: str
    coredns: str
    pause: str


def others() -> list[Kubernetes]:
    """Return the other versions of Kubernetes that a cluster can be made of."""
    return [Kubernetes(*row) for row in _rows("kubernetes.txt")]


def chosen(minor: str) -> str:
    """Return the version of another Kubernetes, empty for the one of list.txt. Raises SystemExit if it is neither."""
    listed = {row[0]: row[2] for row in _rows("list.txt")}["kubelet"]
    known = {listed.removeprefix("v").rpartition(".")[0]: "", "": "", **{one.minor: one.version for one in others()}}
    if minor not in known:
        sys.exit(f"KUBERNETES={minor} is not one of {', '.join(sorted(filter(None, known)))}")
    return known[minor]


def version(name: str) -> str:
    """Return the version of a listed program. Raises KeyError for another one."""
    row = {row[0]: row for row in _rows("list.txt")}[name]
    other = row[1] == KUBERNETES and row[3].startswith(OF_CLUSTER) and chosen(os.environ.get(VARIABLE, ""))
    return other or row[2]


def _rows(file: str) -> list[list[str]]:
    lines = (FOLDER / file).read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def path(name: str) -> Path:
    """Return where a listed program is, or will be once it is built."""
    return golang.CACHE / "bin" / name / version(name) / name


def build(*names: str) -> None:
    """Build the programs that are not there yet. Raises CalledProcessError or GoFailed.

    One program after the other: whoever comes meanwhile waits only for a program that he needs as well.
    """
    for name in names:
        if not path(name).exists():
            with _only_one(name):
                environment = {**os.environ, "PATH": _path_with_go(), "AIOCSI_CACHE": str(golang.CACHE)}
                argv = [str(FOLDER / "build.sh"), f"{name}@{version(name)}"]
                subprocess.run(argv, check=True, env=environment, timeout=BUILD_SECONDS)


def build_own(name: str) -> Path:
    """Build a program of tests/e2e/go, and return its path; Go itself knows whether there is anything to do."""
    target = golang.CACHE / "bin" / name
    environment = {**os.environ, "PATH": _path_with_go(), "CGO_ENABLED": "0"}
    argv = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(target), f"./{name}"]
    subprocess.run(argv, check=True, cwd=OWN, env=environment, timeout=BUILD_SECONDS)
    return target


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    path(name).parent.mkdir(parents=True, exist_ok=True)
    with path(name).with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path_with_go() -> str:
    return f"{Path(golang.find_go()).parent}:{os.environ['PATH']}"


if __name__ == "__main__":
    build(*sys.argv[1:])
    print(*map(path, sys.argv[1:]), sep="\n")
