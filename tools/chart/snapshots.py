"""Rendered samples of the chart, kept in git.

Of NAME.values.yaml in charts/snapshots the manifests, NAME.yaml; of one in charts/places the
difference from the sample of the defaults, NAME.diff.

``python -m tools.chart.snapshots`` writes them; a test compares.
"""

import difflib
import sys
from pathlib import Path

from tools.chart import PLACES, SNAPSHOTS, helm

DEFAULT = SNAPSHOTS / "default.values.yaml"


def inputs() -> list[Path]:
    """Return the files with values, of which each makes a sample."""
    return [*sorted(SNAPSHOTS.glob("*.values.yaml")), *sorted(PLACES.glob("*.values.yaml"))]


def name(values: Path) -> str:
    """Return the name of a sample."""
    return values.name.removesuffix(".values.yaml")


def sample(values: Path) -> Path:
    """Return the file that keeps what the chart makes of ``values``."""
    return values.with_name(f"{name(values)}.{'diff' if values.parent == PLACES else 'yaml'}")


def made(values: Path) -> str:
    """Return what that file should hold. Raises ChartRefused."""
    manifests = helm.template(values.read_text())
    if values.parent != PLACES:
        return manifests
    before = helm.template(DEFAULT.read_text())
    return (
        "\n".join(difflib.unified_diff(before.splitlines(), manifests.splitlines(), "defaults", name(values), n=1))
        + "\n"
    )


def main() -> int:
    """Write every sample; return the exit status."""
    for values in inputs():
        sample(values).write_text(made(values))
        print(sample(values).name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
