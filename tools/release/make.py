"""Make all files of a release from the tree as it is: the image for all machines, the chart, what is told of both."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.image import archive, debian, make
from tools.release import (
    LAYOUT,
    NotReleased,
    changelog,
    chart_package,
    checksums,
    packages,
    provenance,
    signature,
    signing,
    tree,
)
from tools.release.layout import Layout

NOTES = "NOTES.md"
PROVENANCE = "provenance.json"
PUBLIC_KEY = "cosign.pub"


def everything(folder: Path, version: str, machines: Sequence[str], key: str = "") -> str:
    """Write the release to ``folder``, which is made empty; return the image's digest. Raises NotReleased."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    digest = image(folder, version, machines)
    package = chart_package.package(folder, version, digest)
    subjects = {f"image {LAYOUT}": digest.removeprefix("sha256:"), package.name: _sha256(package)}
    materials = {file.name: _sha256(file) for file in sorted(folder.glob("*.cdx.json"))}
    (folder / PROVENANCE).write_text(provenance.statement(subjects, version, tree.commit(), materials))
    (folder / NOTES).write_text(notes(version, digest))
    sign(folder, key)
    return digest


def image(folder: Path, version: str, machines: Sequence[str]) -> str:
    """Write the image for these machines, with its bills of materials and lists of packages; return its digest."""
    layout, images = Layout(folder / LAYOUT), []
    for machine in machines:
        with _built(machine) as made:
            images.append(layout.add(made.image, made.layers))
            name = f"aiocsi-{version}-{archive.ARCHITECTURES[machine]}"
            (folder / f"{name}.cdx.json").write_text(made.bill)
            (folder / f"{name}.packages.txt").write_text(packages.listed(made.bill))
            (folder / f"{name}.sizes.txt").write_text(made.sizes)
            (folder / f"{name}.dpkg-status").write_text(made.status)
    return layout.finish(
        images, {"org.opencontainers.image.version": version, "org.opencontainers.image.title": "aiocsi"}
    )


@contextmanager
def _built(machine: str) -> Iterator[make.Made]:
    try:
        with make.built(machine, exact=True) as made:
            yield made
    except debian.NotLocked as error:
        raise NotReleased(str(error)) from error


def sign(folder: Path, key: str) -> None:
    """Write the checksums, and sign them if there is a key. Raises NotReleased."""
    if key:
        signing.public(key, folder / PUBLIC_KEY)
    sums = checksums.write(folder)
    signature(sums).unlink(missing_ok=True)
    if key:
        signing.sign_file(sums, key)


def notes(version: str, digest: str) -> str:
    """Return the notes of a release: what is different, and by which digest its image is pulled."""
    told = changelog.notes(tree.CHANGELOG.read_text(), version)
    return f"# aiocsi {version}\n\nImage: `{digest}`\n\n{told}"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
