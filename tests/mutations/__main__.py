"""Draw mutations by lot, and look whether the unit tier notices each: ``python -m tests.mutations --seed 7``.

They are planted in copies of the tree, two at a time. Each meets the test file of its module first, then those of its
package; only a mutation that all of them pass has survived, and what notices one must pass without it. mutmut and
cosmic-ray are not used: mutmut changes function bodies alone, where formats are constants of modules, and neither draws
by lot from a seed.
"""

import argparse
import random
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from tests.harness.planting import ROOT, Copy, in_copies
from tests.mutations.mutants import Mutant, mutants
from tests.walls.test_doors import PURE

WITH_PLUGINS = ("env", "-u", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
NOT_NEEDED = ("cacheprovider", "xdist", "schemathesis", "anyio")  # plugins that take half of the time of a short look
LIMIT = "--timeout=300"  # for one test: on a busy machine less would be taken for a find
PYTEST = (*WITH_PLUGINS, sys.executable, "-m", "pytest", "-q", "-x", LIMIT, *(f"-pno:{name}" for name in NOT_NEEDED))
FAILING = re.compile(r"(?:FAILED|ERROR) (\S+\.py)")
SECONDS = 1200.0  # for one look; a mutation that makes the tests wait for ever is noticed


def main() -> int:
    """Return the exit status: 0 if at most ``--may-survive`` survive."""
    parser = argparse.ArgumentParser(prog="make mutations", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--may-survive", type=int, default=2)
    options = parser.parse_args()
    drawn = draw(options.seed, options.count)
    print(f"seed {options.seed}: {len(drawn)} mutations", flush=True)
    survived = 0
    for mutant, by in zip(drawn, in_copies(_noticed_by, drawn), strict=True):
        print(f"{mutant}\n    {by or 'SURVIVED'}", flush=True)
        survived += not by
    print(f"seed {options.seed}: {len(drawn) - survived} of {len(drawn)} were noticed")
    return 0 if survived <= options.may_survive else 1


def draw(seed: int, count: int) -> list[Mutant]:
    """Return so many mutations of what is pure, drawn by lot."""
    every = [mutant for path in sources() for mutant in mutants(path, ROOT)]
    return random.Random(seed).sample(every, count)  # noqa: S311  # not a secret


def sources() -> Iterator[Path]:
    """Yield each module that decides or reads a format, in the order of names."""
    for place in sorted(PURE):
        found = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
        yield from (path.relative_to(ROOT) for path in found)


def looks(path: Path) -> Iterator[list[str]]:
    """Yield the tests that should notice a mutation of the module: those of its name, then those of its package."""
    nearest = Path("tests/unit", path.parent, f"test_{path.stem}.py")
    if (ROOT / nearest).exists():
        yield [str(nearest)]
    packages = ["common", "controller", "node", "warden"] if path.parts[0] == "common" else [path.parts[0]]
    yield [f"tests/unit/{package}" for package in packages]


def _noticed_by(copy: Copy, mutant: Mutant) -> str:
    """Return the test that notices the mutation, empty if none does. Raises ValueError if it fails without one."""
    text = mutant.applied_to((copy.folder / mutant.path).read_bytes()).decode()
    for tests in looks(mutant.path):
        with copy.rewritten(str(mutant.path), text):
            failure = _failure(copy, tests)
        if failure:
            file = FAILING.match(failure)
            if without := _without_mutation(copy, *([file[1]] if file else tests)):
                raise ValueError(f"the tests fail without a mutation: {without}")
            return failure
    return ""


@cache
def _without_mutation(copy: Copy, *tests: str) -> str:
    return _failure(copy, tests)


def _failure(copy: Copy, tests: Sequence[str]) -> str:
    """Return what fails first; empty if nothing does."""
    try:
        status, output = copy.run(*PYTEST, *tests, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return f"{' '.join(tests)} does not end"
    if status == 0:
        return ""
    return next((line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))), output[-500:])


if __name__ == "__main__":
    sys.exit(main())
