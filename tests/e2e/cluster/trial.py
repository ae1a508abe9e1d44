"""A trial: the cluster is made, the tests run on it, what it tells is kept, and everything is removed whatever happens.

Tests that can share a cluster run first, four at a time, and a third of upstream's suite beside them if it is wanted;
then those that break, fill or count what all of it shares, one after the other; with the third, not the long ones.
"""

import asyncio
import re
import shlex
import signal
import subprocess  # noqa: TID251  # the tests' own output is what a person wants to watch
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

from tests.e2e.cluster import evidence, nodes
from tests.e2e.cluster.workspace import Workspace
from tools import junit
from tools.processes.program import Program
from tools.venv import ROOT

SIDE_BY_SIDE = ("-m", "not alone", "-n", "4", "--dist", "worksteal")
ONE_BY_ONE = ("-m", "alone")
ONE_BY_ONE_WITH_A_THIRD = ("-m", "alone and not long")
NOTHING_COLLECTED = 5  # pytest's exit status when the words left no test
SECONDS = 5400
REPORT = ROOT / "artifacts" / "e2e-tests"
SUITE_LOG = ROOT / "artifacts" / "e2e-suite.log"
SHOWN_LINES = 40


def run(workspace: Workspace, words: Sequence[str], up: Callable[[], int], down: Callable[[], int]) -> int:
    """Return the exit status: 0 no test failed, 1 one did. ``--third`` among the words is not for pytest."""
    third = "--third" in words
    chosen = [word for word in words if word != "--third"]
    with _told_to_stop():
        try:
            up()
            version = nodes.version(workspace)
            good = _tests(workspace, chosen, third=third)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is begun now must end
            if workspace.kubeconfig.exists():
                print(f"kept: {evidence.keep(workspace)}", flush=True)
            down()
    if good:
        print(f"for tests/e2e/tested.txt: {noted(version, chosen, third=third)}", flush=True)
    return 0 if good else 1


def noted(version: str, words: Sequence[str], *, third: bool) -> str:
    """Return the line of tests/e2e/tested.txt for a run that has passed; ``words`` chose among the tests."""
    tests = sum(junit.read(file).passed for file in REPORT.glob("*.xml"))
    specs = re.search(r"upstream's suite: (\d+) specs ran", SUITE_LOG.read_text()) if third else None
    those = f" (ARGS: `{shlex.join(words)}`)" if words else ""
    told = f", {specs[1]} specs of the upstream storage suite" if specs else ""
    day = datetime.now(UTC).date()
    return f"{version} {day} {'e2e-third' if third else 'e2e'} {tests} tests of this project{those}{told}"


def _tests(workspace: Workspace, words: Sequence[str], *, third: bool) -> bool:
    with _suite(workspace) if third else nullcontext() as suite:
        good = [_pytest("side by side", (*SIDE_BY_SIDE, *words))]
        if suite is not None:
            good.append(asyncio.run(suite.ended(SECONDS)) == 0)
            print("\n".join(SUITE_LOG.read_text().splitlines()[-SHOWN_LINES:]), flush=True)
    good.append(_pytest("one by one", (*(ONE_BY_ONE_WITH_A_THIRD if third else ONE_BY_ONE), *words)))
    return all(good)


def _pytest(name: str, words: Sequence[str]) -> bool:
    report = REPORT / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "pytest", "-q", "tests/e2e", "--durations=8", f"--junit-xml={report}", *words]
    done = subprocess.run(argv, check=False, cwd=ROOT, timeout=SECONDS)
    print(f"tests on the cluster, {name}: {junit.read(report)}", flush=True)
    return done.returncode in {0, NOTHING_COLLECTED}


@contextmanager
def _suite(workspace: Workspace) -> Iterator[Program]:
    """Run the third of upstream's suite; what it prints goes to a file, since other tests print meanwhile."""
    SUITE_LOG.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "tests.e2e.suite", "--third"]
    suite = Program("upstream's suite", argv, workspace.environment, SUITE_LOG, ROOT)
    suite.start()
    try:
        yield suite
    finally:
        suite.kill()


@contextmanager
def _told_to_stop() -> Iterator[None]:
    """Let SIGTERM, as from timeout(1), be an interrupt, so that what was made is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
