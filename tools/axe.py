"""The accessibility checker axe as one script, of the version and hash of requirements/axe.txt."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tools.golang import CACHE
from tools.venv import ROOT

LOCK = ROOT / "requirements" / "axe.txt"
MEMBER = "axe_playwright_python/axe.min.js"
SECONDS = 120


def script() -> str:
    """Return the script; it is fetched once. Raises CalledProcessError if no package index answers."""
    (pin,) = [line for line in LOCK.read_text().splitlines() if "==" in line]
    kept = CACHE / "axe" / pin.rpartition(":")[2] / "axe.min.js"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_bytes(_fetch(kept.parent))
        part.rename(kept)
    return kept.read_text()


def _fetch(folder: Path) -> bytes:
    argv = ["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-r", str(LOCK), "-d", str(folder)]
    subprocess.run([sys.executable, *argv], check=True, timeout=SECONDS)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        return packed.read(MEMBER)
