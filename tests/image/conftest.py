"""The image, unpacked. ``make image`` makes it; its contents are looked at by root, through chroot."""

import json
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tools.chart import Json
from tools.image import ROOT, SITE
from tools.image.recipes import CLOUD, DRIVER, Recipe
from tools.processes.run import run

USER = 65532


@dataclass(frozen=True)
class Unpacked:
    """An image's root file system, its config, and the size of its archive in bytes."""

    root: Path
    config: Json
    archive_bytes: int
    pulled_bytes: int  # the layers, compressed as a registry keeps them

    def disk(self, name: str, size: int) -> str:
        """Make a file of that size, or let it grow to it; return its path inside."""
        file = self.root / "tmp" / name
        file.touch()
        os.truncate(file, size)
        os.chown(file, USER, USER)
        return f"/tmp/{name}"

    def run(self, *argv: str) -> str:
        """Run a program inside, as the image's own user; return what it printed."""
        return run("chroot", f"--userspec={USER}:{USER}", str(self.root), *argv)

    def installed(self, name: str) -> bool:
        """Whether there is such a program on the search path."""
        return any((self.root / folder / name).exists() for folder in ("usr/bin", "usr/sbin", "usr/local/bin"))

    @property
    def site(self) -> Path:
        """The folder of Python packages."""
        return self.root / SITE


@pytest.fixture(scope="session")
def image() -> Iterator[Unpacked]:
    with unpacked(DRIVER) as made:
        yield made


@pytest.fixture(scope="session")
def cloud_image() -> Iterator[Unpacked]:
    with unpacked(CLOUD) as made:
        yield made


@contextmanager
def unpacked(recipe: Recipe) -> Iterator[Unpacked]:
    """Unpack the newest image of a recipe, or skip the test if there is none."""
    archives = sorted((ROOT / "dist").glob(f"{recipe.name}-[0-9]*.tar"))
    if not archives or os.geteuid() != 0:
        pytest.skip(f"needs root and an image {recipe.name} in dist/: make image makes it, or make image-cloud")
    with TemporaryDirectory(prefix="aiocsi-image-test-") as name:
        folder = Path(name)
        unpack(archives[-1], folder / "archive")
        [listed] = json.loads((folder / "archive/manifest.json").read_text())
        layers = [folder / "archive" / layer for layer in listed["Layers"]]
        for layer in layers:
            unpack(layer, folder / "root")
        for device, minor in {"null": 3, "random": 8, "urandom": 9}.items():  # a container engine makes them
            os.mknod(folder / "root/dev" / device, stat.S_IFCHR, os.makedev(1, minor))
            (folder / "root/dev" / device).chmod(0o666)
        (folder / "root/proc/self").mkdir()
        for mounts in ("mounts", "self/mounts"):
            (folder / "root/proc" / mounts).write_text("overlay / overlay rw 0 0\n")
        pulled = sum(len(zlib.compress(layer.read_bytes(), 9)) for layer in layers)
        config = json.loads((folder / "archive" / listed["Config"]).read_text())
        yield Unpacked(folder / "root", config, archives[-1].stat().st_size, pulled)


def unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as contents:
        contents.extractall(folder, filter="fully_trusted")  # noqa: S202  # an image has device nodes
