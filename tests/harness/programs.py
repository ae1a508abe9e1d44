"""Running a program in a test."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*argv: str, seconds: float = 30, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a program that must succeed; return what it printed, without the last newline."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=seconds, cwd=cwd, env=environment)
    said = done.stderr or done.stdout
    assert done.returncode == 0, f"{argv}: exit status {done.returncode}: {said[-6000:]}"
    return done.stdout.rstrip("\n")


def run_python(module: str, *arguments: str, seconds: float = 30, cwd: Path | None = None) -> str:
    """Run a module with this interpreter; it must succeed."""
    return run(sys.executable, "-m", module, *arguments, seconds=seconds, cwd=cwd)


def complaint(*argv: str, status: int, seconds: float = 30) -> str:
    """Run a program that must end with that exit status and print nothing; return what it said on stderr."""
    done = subprocess.run(argv, check=False, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    assert (done.returncode, done.stdout) == (status, ""), done
    return done.stderr
