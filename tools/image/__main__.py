"""Make the image: ``python -m tools.image`` writes dist/aiocsi-….tar.

``docker load``, ``ctr images import``, ``kind load image-archive`` and ``crane push`` take it.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tools.image import ROOT, archive, make, version

LARGEST_MB = 90


def main() -> int:
    """Return the exit status: 0 made, 1 it cannot be made or is too large."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        print("the image is made by mmdebstrap (Debian package mmdebstrap), as root", file=sys.stderr)
        return 1
    try:
        print(make.make(_target(), platform.machine()))
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"no image: {error}", file=sys.stderr)
        return 1
    size = _target().stat().st_size
    print(f"image {size / 1e6:.0f} MB, of at most {LARGEST_MB}")
    return int(size > LARGEST_MB * 1e6)


def _target() -> Path:
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    return folder / f"aiocsi-{version()}-{archive.ARCHITECTURES[platform.machine()]}.tar"


if __name__ == "__main__":
    sys.exit(main())
