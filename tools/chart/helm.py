"""Runs helm and kubeconform, which are built from their Go modules when they are not in the cache."""

import os
import subprocess
from functools import cache
from pathlib import Path

from tools import golang
from tools.chart import CHART
from tools.environment import ROOT

BUILDS = ROOT / "tests" / "e2e" / "programs"
BUILD_SECONDS = 1800
RUN_SECONDS = 60


class ChartRefused(Exception):
    """helm or kubeconform found something wrong; the text is what it said."""


@cache
def program(name: str) -> Path:
    """Return where a program of tests/e2e/programs/list.txt is, or will be once it is built."""
    rows = [line.split() for line in (BUILDS / "list.txt").read_text().splitlines()]
    version = next(row[2] for row in rows if row and row[0] == name)
    return golang.CACHE / "bin" / name / version / name


def build(*names: str) -> None:
    """Build the programs that are not there yet. Raises CalledProcessError."""
    path = f"{Path(golang.find_go()).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "AIOCSI_CACHE": str(golang.CACHE)}
    subprocess.run([BUILDS / "build.sh", *names], check=True, env=environment, timeout=BUILD_SECONDS)


def template(values: str = "", *, kubernetes: str = "") -> str:
    """Return the manifests that the chart makes of ``values`` (YAML). Raises ChartRefused."""
    arguments = ["--namespace", "kube-system", "--values", "-"]
    if kubernetes:
        arguments += ["--kube-version", kubernetes]
    return run("helm", "template", "aiocsi", str(CHART), *arguments, stdin=values)


def run(name: str, *arguments: str, stdin: str = "") -> str:
    """Run a program and return what it printed. Raises ChartRefused."""
    done = subprocess.run(
        [program(name), *arguments], check=False, capture_output=True, text=True, input=stdin, timeout=RUN_SECONDS
    )
    if done.returncode != 0:
        raise ChartRefused(f"{name} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    build("helm", "kubeconform")
