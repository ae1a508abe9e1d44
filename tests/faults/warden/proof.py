"""Planted bugs: each is put into a copy of the tree, and must be found within 200 seeds.

``python -m tests.faults.warden.proof [NAME ... | --fast]``.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

from tests.faults import proof

PATCHES = Path(__file__).parent / "planted"
COPIED = ("common", "csi_proto", "warden", "tests/fakes", "tests/faults")
FAST = (
    "one-look-is-proof",
    "takes-off-anothers-taint",
    "taints-an-active-server",
    "tells-of-a-drain-while-pods-stay",
)
SEEDS = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 every bug was found, 1 one was missed or does not apply."""
    wanted = sys.argv[1:] if argv is None else list(argv)
    if wanted == ["--fast"]:
        wanted = list(FAST)
    patches = [each for each in sorted(PATCHES.glob("*.patch")) if not wanted or each.stem in wanted]
    with ThreadPoolExecutor(cpu_count()) as pool:
        found = list(pool.map(look_for, patches))
    for patch, how in zip(patches, found, strict=True):
        sys.stdout.write(f"{'found ' if how.startswith('seed ') else 'MISSED'} {patch.stem:<36} {how[:200]}\n")
    return int(not patches or not all(how.startswith("seed ") for how in found))


def look_for(patch: Path) -> str:
    """Plant one bug in a copy of the tree; return what the simulation says."""
    with tempfile.TemporaryDirectory(prefix="aiocsi-planted-") as folder:
        tree = Path(folder)
        for name in COPIED:
            shutil.copytree(proof.ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(proof.ROOT / "tests/__init__.py", tree / "tests/__init__.py")
        applied = proof.run((*proof.APPLY, str(patch)), tree)
        if applied.returncode:
            return f"does not apply, plant it again: {applied.stderr.strip()}"
        ended = proof.run((sys.executable, "-m", "tests.faults.warden", f"--seeds={SEEDS}"), tree)
        return ended.stdout.strip() if ended.returncode == 1 else ended.stdout.strip() + ended.stderr.strip()[-300:]


if __name__ == "__main__":
    sys.exit(main())
