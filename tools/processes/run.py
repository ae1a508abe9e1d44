"""Run a program (mkfs, mount, a module of ours, …) to its end, in a test's own thread."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ToolFailed(Exception):
    """A program did not end with 0. The text is its command line and what it printed."""


def run(
    *argv: str,
    seconds: float = 60,
    stdin: bytes = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Return what the program printed. Raises ToolFailed."""
    done = subprocess.run(
        argv, check=False, capture_output=True, timeout=seconds, input=stdin, cwd=cwd, env=environment
    )
    if done.returncode != 0:
        raise ToolFailed(f"{' '.join(argv)}: {(done.stderr + done.stdout).decode(errors='replace').strip()[-6000:]}")
    return done.stdout.decode(errors="replace")


def run_python(module: str, *arguments: str, seconds: float = 60, cwd: Path | None = None) -> str:
    """Run a module with this interpreter. Raises ToolFailed."""
    return run(sys.executable, "-m", module, *arguments, seconds=seconds, cwd=cwd)


def complaint(*argv: str, status: int, seconds: float = 30) -> str:
    """Run a program that must end with that exit status and print nothing; return what it said on stderr."""
    done = subprocess.run(argv, check=False, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    assert (done.returncode, done.stdout) == (status, ""), done
    return done.stderr
