"""``python -m tests.e2e.suite [--third] [OPTIONS]``: run upstream's storage suite on the cluster of ``make e2e-up``.

All specs of external drivers are run but those of skipped.txt; with ``--third`` those of third.txt. A spec may skip
itself for a reason of skip_themselves.txt. OPTIONS go to ginkgo: ``-focus=snapshottable``, ``-skip=Slow``.
"""

import subprocess  # noqa: TID251  # the suite's own output is what a person wants to watch
import sys
from collections.abc import Sequence

from tests.e2e import suite
from tests.e2e.cluster.workspace import Workspace


def main(argv: Sequence[str] | None = None) -> int:
    """Return the suite's exit status, or 1 if it passed without one of third.txt, or one had a new reason to skip."""
    words = sys.argv[1:] if argv is None else list(argv)
    third = "--third" in words
    options = [word for word in words if word != "--third"]
    workspace = Workspace()
    suite.prepare(workspace)
    command = suite.command(workspace, suite.third() if third else [], options)
    done = subprocess.run(command, check=False, timeout=suite.SECONDS, env=workspace.environment)
    ran = suite.ran()
    print(f"upstream's suite: {ran} specs ran")
    reasons = suite.skipped_themselves()
    for reason, times in reasons.most_common():
        print(f"{times} skipped themselves: {reason}")
    if new := suite.unexpected(reasons):
        print(f"skip_themselves.txt does not have: {'; '.join(new)}")
        return 1
    if third and ran != len(suite.third()):
        print(f"third.txt has {len(suite.third())} specs: others were run, or not all of them")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
