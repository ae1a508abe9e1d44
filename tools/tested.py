"""The page of what was tested on a cluster, made from tests/e2e/tested.txt: the last run on each Kubernetes."""

from dataclasses import dataclass
from pathlib import Path

from tools.venv import ROOT

FILE = ROOT / "tests" / "e2e" / "tested.txt"
PAGE = Path("docs/reference/tested.md")
HEAD = """\
# What was tested on a cluster

The last run of the cluster's tests (`tests/e2e`, kind with three nodes) on each version of Kubernetes. What has no row
was not run on a cluster. `make e2e KUBERNETES=1.34` takes another version than the newest, and prints its row.

| Kubernetes | day | target | passed |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Run:
    """The last run on one version of Kubernetes."""

    version: str
    day: str
    target: str
    passed: str


def runs() -> list[Run]:
    """Return the last runs, newest version first."""
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith("#")]
    return [Run(*line.split(maxsplit=3)) for line in lines]


def minors() -> str:
    """Return the minor versions that were tested, as a sentence names them."""
    return ", ".join(run.version.removeprefix("v").rpartition(".")[0] for run in runs())


def make(folder: Path) -> None:
    """Write the page below ``folder``."""
    (folder / PAGE).parent.mkdir(parents=True, exist_ok=True)
    rows = (f"| {run.version} | {run.day} | `make {run.target}` | {run.passed} |\n" for run in runs())
    (folder / PAGE).write_text(HEAD + "".join(rows))
