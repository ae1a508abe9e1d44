"""The image, unpacked. ``make image`` makes it; its contents are looked at by root, through chroot."""

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.harness.tools import run
from tools.chart import Json
from tools.image import ROOT, SITE


@dataclass(frozen=True)
class Unpacked:
    """An image's root file system, its config, and the size of its archive in bytes."""

    root: Path
    config: Json
    archive_bytes: int

    def run(self, *argv: str) -> str:
        """Run a program inside, as the image's own user; return what it printed."""
        return run("chroot", "--userspec=65532:65532", str(self.root), *argv)

    def installed(self, name: str) -> bool:
        """Whether there is such a program on the search path."""
        return any((self.root / folder / name).exists() for folder in ("usr/bin", "usr/sbin", "usr/local/bin"))

    @property
    def site(self) -> Path:
        """The folder of Python packages."""
        return self.root / SITE


@pytest.fixture(scope="session")
def image() -> Iterator[Unpacked]:
    archives = sorted((ROOT / "dist").glob("aiocsi-*.tar"))
    if not archives or os.geteuid() != 0:
        pytest.skip("needs root and an image in dist/: make image makes it")
    with TemporaryDirectory(prefix="aiocsi-image-test-") as name:
        folder = Path(name)
        unpack(archives[-1], folder / "archive")
        [listed] = json.loads((folder / "archive/manifest.json").read_text())
        for layer in listed["Layers"]:
            unpack(folder / "archive" / layer, folder / "root")
        config = json.loads((folder / "archive" / listed["Config"]).read_text())
        yield Unpacked(folder / "root", config, archives[-1].stat().st_size)


def unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as contents:
        contents.extractall(folder, filter="fully_trusted")  # noqa: S202  # an image has device nodes
