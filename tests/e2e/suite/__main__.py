"""``python -m tests.e2e.suite [--third] [OPTIONS]``: run upstream's storage suite on the cluster of ``make e2e-up``.

All specs are run but those of skipped.txt; with ``--third`` those of third.txt. OPTIONS go to ginkgo:
``-focus=snapshottable``, ``-skip=Slow``.
"""

import subprocess  # noqa: TID251  # the suite's own output is what a person wants to watch
import sys
from collections.abc import Sequence

from tests.e2e import suite
from tests.e2e.cluster.workspace import Workspace


def main(argv: Sequence[str] | None = None) -> int:
    """Return the suite's exit status, or 1 if it passed without some spec of third.txt."""
    words = sys.argv[1:] if argv is None else list(argv)
    third = "--third" in words
    options = [word for word in words if word != "--third"]
    workspace = Workspace()
    suite.prepare(workspace)
    command = suite.command(workspace, suite.third() if third else [], options)
    done = subprocess.run(command, check=False, timeout=suite.SECONDS, env=workspace.environment)
    ran = suite.ran()
    print(f"upstream's suite: {ran} specs ran")
    for reason, times in suite.skipped_themselves().most_common():
        print(f"{times} skipped themselves: {reason}")
    if third and ran != len(suite.third()):
        print(f"third.txt has {len(suite.third())} specs: others were run, or not all of them")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
