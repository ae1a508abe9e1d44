"""``python -m tests.e2e.suite [OPTIONS]``: run upstream's storage suite on the cluster that ``make e2e-up`` made.

All specs are run but those of skipped.txt. OPTIONS go to ginkgo: ``-focus=snapshottable``, ``-skip=Slow``.
"""

import subprocess  # noqa: TID251  # the suite's own output is what a person wants to watch
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.cluster import images, nodes
from tests.e2e.cluster.workspace import Workspace
from tools import programs
from tools.environment import ROOT

HERE = Path(__file__).parent
PROCESSES = 4
SECONDS = 5400
EVERYTHING = "External.Storage"
CLASS = """\
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {name: suite}
driverName: dobs.csi.digitalocean.com
parameters: {tags: suite}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the suite's exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    workspace = Workspace()
    programs.build("agnhost", "ginkgo", "e2e.test")
    nodes.load(workspace, images.busybox(), images.gnu_tools(), *map(images.make, images.TEST_SUITE))
    workspace.kubectl("apply", "--filename=-", stdin=CLASS.encode())
    argv = command(workspace, words)
    return subprocess.run(argv, check=False, timeout=SECONDS, env=workspace.environment).returncode


def command(workspace: Workspace, options: Sequence[str]) -> list[str]:
    """Return the command line of ginkgo and of the suite behind it."""
    report = ROOT / "artifacts" / "e2e-suite"
    report.mkdir(parents=True, exist_ok=True)
    ginkgo = [str(programs.path("ginkgo")), f"-procs={PROCESSES}", "-no-color", "-timeout=90m"]
    suite = [f"-kubeconfig={workspace.kubeconfig}", f"-kubectl-path={programs.path('kubectl')}", "-provider=skeleton"]
    suite += [f"-storage.testdriver={HERE / 'testdriver.yaml'}", f"-report-dir={report}", "-num-nodes=2"]
    skips = [f"-skip={part.replace(' ', '.')}" for part in skipped()]
    focus = [] if any(option.startswith("-focus") for option in options) else [f"-focus={EVERYTHING}"]
    return [*ginkgo, *focus, *skips, *options, str(programs.path("e2e.test")), "--", *suite]


def skipped() -> list[str]:
    """Return the parts of names that are not run."""
    lines = (HERE / "skipped.txt").read_text().splitlines()
    return [line.partition(" | ")[0] for line in lines if line and not line.startswith("#")]


if __name__ == "__main__":
    sys.exit(main())
