"""The bench tests itself: each planted bug is put into a copy of the tree, and must be found within 200 seeds.

What is found is cut down, and the command that is printed for it must fail in the same way.

``python -m tests.faults.proof [NAME ... | --fast]``. A patch that does not apply any more fails: plant the bug anew.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = Path(__file__).parent / "planted"
COPIED = ("common", "controller", "csi_proto", "node", "tests/fakes", "tests/faults", "tests/harness")
FAST = ("internal-instead-of-unavailable", "detach-without-compare", "failed-umount-is-done")
SEEDS = 200
SECONDS = 1500
BENCH = (sys.executable, "-m", "tests.faults", "--jobs=1")
APPLY = ("git", "apply", "-p0", "-C1")


@dataclass(frozen=True)
class Found:
    """What became of a planted bug."""

    name: str
    found: bool
    how: str
    seconds: float

    def __str__(self) -> str:
        return f"{'found' if self.found else 'MISSED':<7} {self.name:<36} {self.seconds:6.1f} s  {self.how[:200]}"


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 every bug was found, 1 one was missed or does not apply, 2 there is no such bug."""
    wanted = sys.argv[1:] if argv is None else list(argv)
    if wanted == ["--fast"]:
        wanted = list(FAST)
    patches = [each for each in sorted(PATCHES.glob("*.patch")) if not wanted or each.stem in wanted]
    if not patches:
        sys.stderr.write(f"no such planted bug in {PATCHES}\n")
        return 2
    missed = _no_longer_apply()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(look_for, patches):
            missed += not found.found
            sys.stdout.write(f"{found}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(patches) - missed} of {len(patches)} planted bugs found within {SEEDS} seeds\n")
    return 1 if missed else 0


def _no_longer_apply() -> int:
    """Say which patches do not apply to the tree as it is, and how many."""
    stale = [each for each in sorted(PATCHES.glob("*.patch")) if run((*APPLY, "--check", str(each)), ROOT).returncode]
    for patch in stale:
        sys.stdout.write(f"STALE   {patch.stem} does not apply any more: plant the bug anew\n")
    return len(stale)


def look_for(patch: Path) -> Found:
    """Plant one bug in a copy of the tree, and let the bench look for it."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aiocsi-planted-") as folder:
        tree = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "tests/__init__.py", tree / "tests/__init__.py")
        applied = run((*APPLY, str(patch)), tree)
        if applied.returncode:
            return Found(patch.stem, False, f"does not apply, plant it anew: {applied.stderr.strip()}", 0.0)
        ended = run((*BENCH, f"--seeds={SEEDS}", "--stop"), tree)
        first = _line(ended.stdout, "seed ")
        how = f"seed {first}" if first else ended.stderr.strip()[-300:] or f"{SEEDS} seeds were green"
        found = ended.returncode == 1 and bool(first)
        if found:
            replayed = _replay(first.partition(":")[0], tree)
            found, how = replayed.startswith("in "), f"{replayed}: {how}"
    return Found(patch.stem, found, how, time.monotonic() - started)


def _replay(seed: str, tree: Path) -> str:
    """Let the bench cut a failing seed down, and run the command that it prints; say whether that fails as well."""
    report = run((*BENCH, f"--first={seed}", "--seeds=1"), tree).stdout
    command = _line(report, "replay: python ")
    if not command:
        return "NOT CUT DOWN"
    again = run((sys.executable, *command.split()), tree)
    same = again.returncode == 1 and again.stdout.splitlines()[-1] == report.splitlines()[-1]
    return f"in {command.count(',') + 1} steps and faults" if same else f"NOT REPLAYED by python {command}"


def _line(text: str, start: str) -> str:
    """Return what follows in the first line that begins so."""
    return next((line.removeprefix(start) for line in text.splitlines() if line.startswith(start)), "")


def run(argv: tuple[str, ...], tree: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a copy of the tree."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent), "PYTHONPATH": str(tree)}
    return subprocess.run(argv, cwd=tree, env=environment, check=False, capture_output=True, text=True, timeout=SECONDS)


if __name__ == "__main__":
    sys.exit(main())
