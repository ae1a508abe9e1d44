"""The image of the driver: our packages and their libraries, byte-compiled, as a small read-only file system.

A guest mounts it at /usr/local. All of them have one size, so that a saved state fits every one of them.
"""

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.guest import IMAGES
from tools.guest.root import only_one, run
from tools.image import COMPILE, SITE, install
from tools.image.recipes import DRIVER
from tools.venv import ROOT

REQUIREMENTS = ROOT / "requirements" / "node.txt"
SIZE = "48M"
KEPT = 6  # images of earlier trees, the newest


def make(image: Path) -> Path:
    """Return the image of this tree's driver, made if it is not there. Raises CalledProcessError.

    ``image`` is the guest image, whose Python compiles.
    """
    sources = sorted(path for name in DRIVER.packages for path in (ROOT / name).rglob("*") if path.is_file())
    ours = _digest(path for path in sources if path.suffix != ".pyc")
    libraries = _digest([REQUIREMENTS, Path(install.__file__), Path(__file__)])
    target = IMAGES / f"driver-{_short(image.name + libraries + ours)}.img"
    with only_one():
        if target.exists():
            target.touch()
            return target
        base = _libraries(image, IMAGES / f"libraries-{_short(image.name + libraries)}")
        with TemporaryDirectory(prefix="new-", dir=IMAGES) as name:
            layer = Path(name) / "layer"
            shutil.copytree(base, layer)
            install.ours(layer)
            _compile(image, layer, DRIVER.packages)
            made = Path(name) / "driver.img"
            run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", layer / "usr/local", made, SIZE)
            made.rename(target)
        _forget_old()
    return target


def _libraries(image: Path, target: Path) -> Path:
    """Return a folder with the libraries, byte-compiled."""
    if not target.exists():
        with TemporaryDirectory(prefix="new-", dir=IMAGES) as name:
            layer = Path(name) / "layer"
            install.libraries(layer, "x86_64", REQUIREMENTS)
            _compile(image, layer, ["."])
            layer.rename(target)
    return target


def _compile(image: Path, layer: Path, names: Sequence[str]) -> None:
    """Byte-compile these folders with the guest's own Python."""
    with TemporaryDirectory(prefix="compile-", dir=image / "tree") as name:
        inside = Path(name)
        (layer / SITE).rename(inside / "site")
        where = f"/{inside.name}/site"
        folders = [f"{where}/{each}" for each in names]
        run("chroot", image / "tree", *COMPILE, "-s", where, "-p", f"/{SITE}", *folders)
        (inside / "site").rename(layer / SITE)


def _forget_old() -> None:
    images = sorted(IMAGES.glob("driver-*.img"), key=lambda path: path.stat().st_mtime)
    for image in images[:-KEPT]:
        image.unlink()


def _digest(files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(ROOT)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
