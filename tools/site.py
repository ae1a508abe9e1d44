"""Build the documentation as a site into build/site, and follow every link in it: ``make site``."""

import os
import subprocess
import sys

from tools.venv import ROOT, prepare_only

LOCK = ROOT / "requirements" / "site.txt"
SECONDS = 300


def main() -> int:
    """Return the exit status of the builder, which a link that leads nowhere fails."""
    builder = prepare_only(ROOT / ".venv-site", LOCK).with_name("zensical")
    argv = [str(builder), "build", "--strict", "--clean"]
    return subprocess.run(argv, cwd=ROOT, check=False, timeout=SECONDS, env={**os.environ, "NO_COLOR": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
