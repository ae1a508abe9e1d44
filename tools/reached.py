"""Which lines and branches the unit tier reaches: all of what decides and reads formats; of the rest it is told.

What decides is what ``pyproject.toml`` holds pure. The data is that of ``tools.measuring``.
"""

import io
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import coverage

from tools.venv import ROOT

WORDS = ("-p", "tools.measuring")  # for pytest
TIER = ("-m", "pytest", "-q", *WORDS, "tests/unit", "-n", "auto", "--maxprocesses", "4")
_PURE = "Decisions and readers of formats are pure"


def main() -> int:
    """Run the unit tier, and name what it does not reach; return the exit status: 0 it reaches all that decides."""
    with TemporaryDirectory(prefix="aiocsi-reached-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, *TIER], check=True, cwd=ROOT, env={**os.environ, **environment(folder)})
        return 0 if judge(folder, names=True) else 1


def environment(folder: Path) -> dict[str, str]:
    """Return the variable that lets the data be written below ``folder``."""
    return {"COVERAGE_FILE": str(folder / "coverage")}


def judge(folder: Path, root: Path = ROOT, *, names: bool = False) -> bool:
    """Tell whether all that decides was reached, and print what was not; of the rest how much, with ``names`` what."""
    project = root / "pyproject.toml"
    measured = coverage.Coverage(folder / "coverage", config_file=str(project))
    measured.combine([str(folder)])
    decides = [f"{root}/{pattern}" for pattern in _decides(project)]
    rest = measured.report(omit=decides, show_missing=True, file=sys.stdout if names else io.StringIO())
    missed = io.StringIO()
    whole = measured.report(include=decides, show_missing=True, file=missed) == 100  # percent
    if not whole:
        print(
            missed.getvalue(), "what decides must be reached whole: test it, or delete what cannot be reached", sep=""
        )
    print(f"reached of lines and branches: {'all' if whole else 'NOT all'} that decide, {rest:.0f} % of the rest")
    return whole


def _decides(project: Path) -> list[str]:
    """Return the patterns of the files of the modules and packages that are held pure."""
    contracts = tomllib.loads(project.read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = (contract for contract in contracts if contract["name"].startswith(_PURE))
    paths = [module.replace(".", "/") for module in pure["source_modules"]]
    return [pattern for path in paths for pattern in (f"{path}.py", f"{path}/*")]


if __name__ == "__main__":
    sys.exit(main())
