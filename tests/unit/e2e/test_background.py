"""Whether a program of the cluster still runs, also when another process has started it."""

import subprocess  # noqa: TID251  # the process is what is looked at
import sys

import pytest

from tests.e2e.cluster import background

STARTS_A_CHILD_AND_NEVER_WAITS = """
import subprocess, sys
child = subprocess.Popen(["true"])
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.timeout(30)
def test_a_program_that_has_ended_but_whose_parent_does_not_wait_for_it_runs_no_more() -> None:
    argv = [sys.executable, "-c", STARTS_A_CHILD_AND_NEVER_WAITS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        background.wait(lambda: not background.alive(pid), parent.pid, "true", 20)
        assert not background.alive(pid)
        parent.communicate("")
