"""Programs built from Go modules, each at the version of tests/e2e/programs/list.txt: helm, kind, Kubernetes, sidecars.

``python -m tools.go_programs NAME…`` builds those that are not in the cache yet, and prints their paths.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import golang
from tools.venv import ROOT

FOLDER = ROOT / "tests" / "e2e" / "programs"
OWN = ROOT / "tests" / "e2e" / "go"
BUILD_SECONDS = 5400


def version(name: str) -> str:
    """Return the version of a listed program. Raises KeyError for another one."""
    rows = [line.split() for line in (FOLDER / "list.txt").read_text().splitlines()]
    return {row[0]: row[2] for row in rows if row and row[0] != "#"}[name]


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
                subprocess.run([FOLDER / "build.sh", name], check=True, env=environment, timeout=BUILD_SECONDS)


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
