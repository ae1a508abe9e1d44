"""Running a program in a test."""

import subprocess


def run(*argv: str, seconds: float = 30) -> str:
    """Run a program that must succeed; return what it printed, without the last newline."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"{argv}: exit status {done.returncode}: {done.stderr}"
    return done.stdout.rstrip("\n")
