"""Make the image: what the driver needs of Debian's root file system, and the driver's layer.

No container engine, no registry and no processor of the image's kind is needed. The same packages give the same image.
"""

import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.image import (
    COMPILE,
    PYTHON,
    ROOT,
    SBOM,
    SITE,
    archive,
    closure,
    debian,
    foreign,
    install,
    root,
    sbom,
    sizes,
    version,
)
from tools.image.recipes import DRIVER, Recipe

PACKAGES, LOCKED = "dev.aiocsi.debian-packages", "locked"  # a label: whether they are those of the lock
USER = "65532:65532"  # nobody in particular; the node's pods run as root by the chart


@dataclass(frozen=True)
class Made:
    """An image: what it says of itself, its layers (tars, lowest first), and what is told of its packages."""

    image: archive.Image
    layers: tuple[Path, ...]
    bill: str
    sizes: str
    status: str


def make(target: Path, machine: str, recipe: Recipe = DRIVER) -> str:
    """Write the archive to ``target`` and its bill of materials beside it; return the image's id. Needs root.

    Where a locked package of Debian is gone, the newest ones are taken.
    """
    with built(machine, recipe) as made:
        target.with_suffix(".cdx.json").write_text(made.bill)
        target.with_suffix(".sizes.txt").write_text(made.sizes)
        return archive.write(target, made.image, made.layers)


@contextmanager
def built(machine: str, recipe: Recipe = DRIVER, *, exact: bool = False) -> Iterator[Made]:
    """Make the image for a machine; its layers are gone when the block ends. Needs root.

    Raises NotLocked if ``exact`` and a locked package of Debian is gone.
    """
    with TemporaryDirectory(prefix="aiocsi-image-") as name:
        folder = Path(name)
        system, layer = folder / "system", folder / "layer"
        install.install(layer, machine, recipe)
        sources = debian.sources(sorted(_architectures(machine)), folder / "repositories", exact=exact)
        whole = _whole(folder, machine, layer, sources)
        closure.copy(whole, layer, system, recipe)
        bill = sbom.bill(system, layer)
        (layer / SBOM).parent.mkdir(parents=True)
        (layer / SBOM).write_text(bill)
        listed = sizes.table(system, layer, closure.owners(whole))
        locked = all(source.lines for source in sources.values())
        image, layers = _image(machine, recipe, locked=locked), (_packed(system), _packed(layer))
        yield Made(image, layers, bill, listed, sbom.status(system))


def _architectures(machine: str) -> set[str]:
    return {archive.ARCHITECTURES[one] for one in (machine, platform.machine())}


def _whole(folder: Path, machine: str, layer: Path, sources: Mapping[str, root.Source]) -> Path:
    """Return Debian's root file system for a machine, with its modules and those of ``layer`` byte-compiled."""
    own, wanted = archive.ARCHITECTURES[platform.machine()], archive.ARCHITECTURES[machine]
    native = _extracted(root.root(source=sources[own]), folder / "native")
    if machine == platform.machine():
        _compile(layer, native)
        return native
    whole = _extracted(root.unpacked(wanted, source=sources[wanted]), folder / "whole")
    foreign.complete(whole, native)
    foreign.compile_modules(native, whole, layer)
    return whole


def _extracted(tar: Path, target: Path) -> Path:
    with tarfile.open(tar) as contents:
        contents.extractall(target, filter="fully_trusted")  # noqa: S202  # we made it, with its device nodes
    return target


def _packed(folder: Path) -> Path:
    packed = folder.with_suffix(".tar")
    archive.pack(folder, packed)
    print(f"layer {folder.name} {packed.stat().st_size / 1e6:.0f} MB")
    return packed


def _compile(layer: Path, whole: Path) -> None:
    """Byte-compile Python's own modules in ``whole``, and the driver's in ``layer``, with the image's own Python."""
    for folder in (whole / "usr/lib").rglob("__pycache__"):
        shutil.rmtree(folder)
    shutil.copytree(layer, whole, dirs_exist_ok=True)
    for modules in (SITE, f"usr/lib/python{PYTHON}"):
        subprocess.run(["chroot", whole, *COMPILE, f"/{modules}"], check=True, stdin=subprocess.DEVNULL)
    shutil.copytree(whole / "usr/local", layer / "usr/local", dirs_exist_ok=True, symlinks=True)


def _image(machine: str, recipe: Recipe, *, locked: bool) -> archive.Image:
    return archive.Image(
        tags=[f"docker.io/library/{recipe.name}:{version()}"],
        architecture=archive.ARCHITECTURES[machine],
        command=recipe.command,
        user=USER,
        labels={
            "org.opencontainers.image.title": recipe.name,
            "org.opencontainers.image.description": recipe.description,
            "org.opencontainers.image.version": version(),
            "org.opencontainers.image.revision": _revision(),
            PACKAGES: LOCKED if locked else "newest",
        },
    )


def _revision() -> str:
    argv = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    return subprocess.run(argv, check=False, capture_output=True, text=True).stdout.strip()
