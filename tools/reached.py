"""Which lines and branches the unit tier reaches: all of what decides and reads formats; of the rest it is told.

The data is that of ``tests.harness.measuring``.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.venv import ROOT

TIER = ("-m", "pytest", "-q", "-p", "tests.harness.measuring", "tests/unit", "-n", "auto", "--maxprocesses", "4")
DECIDES = (
    "common/capability.py",
    "common/clouds/*",
    "common/context_keys.py",
    "common/encryption.py",
    "common/errors.py",
    "common/format_parameters.py",
    "common/mount_flags.py",
    "common/printable.py",
    "common/request_memory.py",
    "common/sizes.py",
    "controller/rules/*",
    "node/formats/*",
    "node/rules/*",
)


def main() -> int:
    """Run the unit tier, measured; return the exit status: 0 all that decides was reached, 1 not."""
    with TemporaryDirectory(prefix="aiocsi-reached-") as name:
        folder = Path(name)
        argv = [sys.executable, *TIER]
        subprocess.run(argv, check=True, cwd=ROOT, env={**os.environ, **environment(folder)})
        return 0 if everything_that_decides(folder) else 1


def environment(folder: Path) -> dict[str, str]:
    """Return the variable that lets the data be written below ``folder``."""
    return {"COVERAGE_FILE": str(folder / "coverage")}


def everything_that_decides(folder: Path) -> bool:
    """Print what was reached, and tell whether all that decides was."""
    _coverage(folder, "combine", "-q", str(folder))
    _coverage(folder, "report", f"--omit={','.join(DECIDES)}")
    print("== of what decides, which must be reached whole:")
    return _coverage(folder, "report", "--show-missing", "--fail-under=100", f"--include={','.join(DECIDES)}") == 0


def _coverage(folder: Path, *words: str) -> int:
    argv = [sys.executable, "-m", "coverage", *words]
    return subprocess.run(argv, check=False, cwd=ROOT, env={**os.environ, **environment(folder)}).returncode


if __name__ == "__main__":
    sys.exit(main())
