"""Run the test tiers: all of them on the newest Python, and on the other ones what may depend on the version.

The unit tier runs without any privilege, also for root: it claims to need none. On the newest Python it is measured,
and must reach all that decides. Words on the command line go to pytest, and may leave tests out: then nothing is
measured. With ``--droplets`` as the first one, the tests in virtual machines run, and nothing else.
"""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from tools import junit, reached
from tools.junit import Counts
from tools.venv import ROOT

NOTHING_COLLECTED = 5  # pytest's exit status when the words left no test
NO_PRIVILEGE = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


@dataclass(frozen=True)
class Tier:
    """Some tests that are run together."""

    name: str
    words: tuple[str, ...]  # for pytest
    on_every_python: bool = False
    privileged: bool = True
    reaches_what_decides: bool = False


THREE = ("-n", "3", "--dist", "worksteal")  # side by side: a test that has processes often waits for them
_UNIT = ("tests/unit", "-n", "auto", "--maxprocesses", "4")
TIERS = (
    Tier("unit", _UNIT, on_every_python=True, privileged=False, reaches_what_decides=True),
    Tier("contract", ("tests/contract", "tests/walls", *THREE)),
    Tier("integration", ("tests/integration", *THREE)),
    Tier("faults", ("tests/faults",)),
)
_LONGEST = ("tests/vm/encryption/test_life.py", "tests/vm/cloud/test_droplets.py", "tests/vm/node/test_hangs.py")
_BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")  # the longest begin, so that nobody waits for them
DROPLETS = Tier("droplets", (*_LONGEST, "tests/vm", "-n", "3", *_BY_FILE))  # three files at a time: a guest often waits
ON_THE_OTHERS = Tier("version-dependent", ("-m", "every_python", "tests/contract", "tests/integration", *THREE))


@dataclass(frozen=True)
class Run:
    """A tier on one Python, after it ran."""

    title: str
    counts: Counts
    seconds: float
    cpu_seconds: float  # of pytest and of what it started and waited for
    good: bool

    def __str__(self) -> str:
        spent = f"{self.seconds:.1f} s, processors {self.cpu_seconds:.1f} s"
        return f"{self.title}: {self.counts}, {spent}{'' if self.good else ' FAILED'}"


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 no test failed, 1 one did."""
    words = tuple(sys.argv[1:] if argv is None else argv)
    newest, *others = _pythons()
    if words[:1] == ("--droplets",):
        return _report([_run(DROPLETS, newest, ROOT / ".venv", words[1:])])
    runs = [_run_on_newest(tier, newest, words) for tier in TIERS]
    for python in others:
        folder = ROOT / f".venv-{_version(python).rpartition('.')[0]}"
        subprocess.run([python, "-m", "tools.venv", folder], check=True, cwd=ROOT)
        tiers = [*(tier for tier in TIERS if tier.on_every_python), ON_THE_OTHERS]
        runs += [_run(tier, python, folder, words) for tier in tiers]
    return _report(runs)


def _report(runs: list[Run]) -> int:
    print("", *runs, f"tests: {sum((run.counts for run in runs), Counts())}", sep="\n")
    return 0 if all(run.good for run in runs) else 1


def _run_on_newest(tier: Tier, python: str, words: tuple[str, ...]) -> Run:
    """Run a tier, and measure what it reaches if that is asked of it, and no test is left out."""
    if words or not tier.reaches_what_decides:
        return _run(tier, python, ROOT / ".venv", words)
    with TemporaryDirectory(prefix="aiocsi-reached-") as name:
        data = Path(name)
        run = _run(tier, python, ROOT / ".venv", reached.WORDS, reached.environment(data))
        return replace(run, good=run.good and reached.judge(data))


def _run(
    tier: Tier, python: str, folder: Path, words: tuple[str, ...], environment: Mapping[str, str] = MappingProxyType({})
) -> Run:
    """Run a tier, and show its output as it comes."""
    dropped = () if tier.privileged else _without_privileges()
    title = f"{tier.name} tier, Python {_version(python)}{', no privileges' if dropped else ''}"
    print(f"== {title}", flush=True)
    with TemporaryDirectory(prefix="aiocsi-tests-") as name:
        report = Path(name) / "junit.xml"
        pytest = [
            str(folder / "bin" / "python"),
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junit-xml={report}",
        ]
        begin, cpu_begin = time.monotonic(), _cpu_seconds()
        argv, variables = [*dropped, *pytest, *tier.words, *words], {**os.environ, **environment}
        done = subprocess.run(argv, check=False, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL)
        counts = junit.read(report)
    good = done.returncode == 0 or (done.returncode == NOTHING_COLLECTED and (tier is ON_THE_OTHERS or bool(words)))
    run = Run(title, counts, time.monotonic() - begin, _cpu_seconds() - cpu_begin, good)
    print(f"== {run}", flush=True)
    return run


def _cpu_seconds() -> float:
    """Return the processor time of all children that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _pythons() -> list[str]:
    """Return the paths of the Pythons to test on, newest first."""
    found = subprocess.run([ROOT / "tools" / "python", "--all"], check=True, stdout=subprocess.PIPE, text=True)
    return found.stdout.split()


def _version(python: str) -> str:
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _without_privileges() -> tuple[str, ...]:
    """Return the words that start a program without privileges; none where there are none to drop."""
    if os.geteuid() != 0:
        return ()
    if shutil.which(NO_PRIVILEGE[0]) is None:
        print(f"no {NO_PRIVILEGE[0]}: the unit tier runs as root")
        return ()
    return NO_PRIVILEGE


if __name__ == "__main__":
    sys.exit(main())
