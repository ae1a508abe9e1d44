"""Rendered samples in charts/snapshots: what the chart makes of each NAME.values.yaml is NAME.yaml.

``python -m tools.chart.snapshots`` writes them anew; a test compares.
"""

import sys
from pathlib import Path

from tools.chart import SNAPSHOTS, helm


def inputs() -> list[Path]:
    """Return the files with values, of which each makes a sample."""
    return sorted(SNAPSHOTS.glob("*.values.yaml"))


def sample(values: Path) -> Path:
    """Return the file with what the chart makes of ``values``."""
    return values.with_name(values.name.replace(".values.yaml", ".yaml"))


def main() -> int:
    """Write every sample; return the exit status."""
    for values in inputs():
        sample(values).write_text(helm.template(values.read_text()))
        print(sample(values).name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
