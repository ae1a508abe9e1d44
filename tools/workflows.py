"""Check the definitions for GitHub's runners: well-formed (actionlint), and nothing unsafe in them (zizmor)."""

import subprocess
import sys

from tools import go_programs
from tools.venv import ROOT, prepare_only

LOCK = ROOT / "requirements" / "workflows.txt"
SECONDS = 120


def main() -> int:
    """Return the exit status: 0 nothing was found, 1 something was."""
    go_programs.build("actionlint")
    zizmor = prepare_only(ROOT / ".venv-workflows", LOCK).with_name("zizmor")
    checks = ([str(go_programs.path("actionlint"))], [str(zizmor), "--offline", "--no-progress", ".github"])
    statuses = [subprocess.run(argv, check=False, cwd=ROOT, timeout=SECONDS).returncode for argv in checks]
    return int(any(statuses))


if __name__ == "__main__":
    sys.exit(main())
