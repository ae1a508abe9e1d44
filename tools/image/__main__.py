"""Make an image: ``python -m tools.image`` writes dist/aiocsi-….tar, with ``cloud`` dist/aiocsi-localcloud-….tar.

``docker load``, ``ctr images import``, ``kind load image-archive`` and ``crane push`` take it.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.image import ROOT, archive, make, version
from tools.image.recipes import CLOUD, DRIVER, Recipe


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 made, 1 it cannot be made or is too large."""
    words = sys.argv[1:] if argv is None else list(argv)
    recipe = CLOUD if words == ["cloud"] else DRIVER
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        print("the image is made by mmdebstrap (Debian package mmdebstrap), as root", file=sys.stderr)
        return 1
    try:
        print(make.make(_target(recipe), platform.machine(), recipe))
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"no image: {error}", file=sys.stderr)
        return 1
    size = _target(recipe).stat().st_size
    print(f"image {size / 1e6:.0f} MB, of at most {recipe.largest_mb}")
    return int(size > recipe.largest_mb * 1e6)


def _target(recipe: Recipe) -> Path:
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    return folder / f"{recipe.name}-{version()}-{archive.ARCHITECTURES[platform.machine()]}.tar"


if __name__ == "__main__":
    sys.exit(main())
