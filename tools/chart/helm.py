"""Runs helm and kubeconform on the chart."""

import subprocess

from tools import go_programs
from tools.chart import CHART, SNAPSHOTS

RUN_SECONDS = 60
REQUIRED = SNAPSHOTS / "default.values.yaml"  # the values that have no default
SERVED = "snapshot.storage.k8s.io/v1"  # by a cluster with the snapshot CRDs


class ChartRefused(Exception):
    """helm or kubeconform found something wrong; the text is what it said."""


def template(values: str = "", *, kubernetes: str = "", served: str = SERVED) -> str:
    """Return the manifests that the chart makes of ``values`` (YAML) in a cluster that serves the API ``served``.

    Values that have no default are given, unless ``values`` has others. Raises ChartRefused.
    """
    arguments = ["--namespace", "kube-system", "--values", str(REQUIRED), "--values", "-"]
    if kubernetes:
        arguments += ["--kube-version", kubernetes]
    if served:
        arguments += ["--api-versions", served]
    return run("helm", "template", "aiocsi", str(CHART), *arguments, stdin=values)


def run(name: str, *arguments: str, stdin: str = "") -> str:
    """Run a program and return what it printed. Raises ChartRefused."""
    argv = [str(go_programs.path(name)), *arguments]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, input=stdin, timeout=RUN_SECONDS)
    if done.returncode != 0:
        raise ChartRefused(f"{name} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout
