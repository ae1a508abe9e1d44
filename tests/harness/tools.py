"""Run a tool of this machine (mkfs, losetup, mount, …) to its end, in a test's own thread."""

import subprocess


class ToolFailed(Exception):
    """A tool did not end with 0. The text is its command line and what it printed."""


def run(*argv: str, seconds: float = 60, stdin: bytes = b"") -> str:
    """Return what the tool printed. Raises ToolFailed."""
    done = subprocess.run(argv, check=False, capture_output=True, timeout=seconds, input=stdin)
    if done.returncode != 0:
        raise ToolFailed(f"{' '.join(argv)}: {(done.stderr + done.stdout).decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace")
