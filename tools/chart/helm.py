"""Runs helm and kubeconform on the chart."""

import subprocess

from tools import go_programs
from tools.chart import CHART

RUN_SECONDS = 60


class ChartRefused(Exception):
    """helm or kubeconform found something wrong; the text is what it said."""


def template(values: str = "", *, kubernetes: str = "") -> str:
    """Return the manifests that the chart makes of ``values`` (YAML). Raises ChartRefused."""
    arguments = ["--namespace", "kube-system", "--values", "-"]
    if kubernetes:
        arguments += ["--kube-version", kubernetes]
    return run("helm", "template", "aiocsi", str(CHART), *arguments, stdin=values)


def run(name: str, *arguments: str, stdin: str = "") -> str:
    """Run a program and return what it printed. Raises ChartRefused."""
    argv = [str(go_programs.path(name)), *arguments]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, input=stdin, timeout=RUN_SECONDS)
    if done.returncode != 0:
        raise ChartRefused(f"{name} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout
