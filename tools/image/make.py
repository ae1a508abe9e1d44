"""Make the image, as a docker-archive: what the driver needs of Debian's root file system, and the driver's layer.

No container engine and no registry is needed. The same packages give the same image.
"""

import shutil
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.image import COMPILE, PYTHON, ROOT, SBOM, SITE, archive, closure, install, root, sbom, version

USER = "65532:65532"  # nobody in particular; the node's pods run as root by the chart


def make(target: Path, machine: str) -> str:
    """Write the archive to ``target`` and its bill of materials beside it; return the image's id. Needs root."""
    with TemporaryDirectory(prefix="aiocsi-image-") as name:
        folder = Path(name)
        whole, system, layer = folder / "whole", folder / "system", folder / "layer"
        install.install(layer, machine)
        with tarfile.open(root.root(of=_week())) as contents:
            contents.extractall(whole, filter="fully_trusted")  # noqa: S202  # we made it, with its device nodes
        _compile(layer, whole)
        closure.copy(whole, layer, system)
        (layer / SBOM).parent.mkdir(parents=True)
        (layer / SBOM).write_text(sbom.bill(system, layer))
        shutil.copyfile(layer / SBOM, target.with_suffix(".cdx.json"))
        return archive.write(target, _image(machine), [_packed(system), _packed(layer)])


def _week() -> str:
    """Return the week of the year: security updates of Debian are in an image that is made a week later."""
    return datetime.now(UTC).strftime("%G-%V")


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


def _image(machine: str) -> archive.Image:
    return archive.Image(
        tags=[f"docker.io/library/aiocsi:{version()}"],
        architecture=archive.ARCHITECTURES[machine],
        command=["aiocsi-node", "--help"],
        user=USER,
        labels={
            "org.opencontainers.image.title": "aiocsi",
            "org.opencontainers.image.description": "CSI driver for DigitalOcean Volumes: controller and node",
            "org.opencontainers.image.version": version(),
            "org.opencontainers.image.revision": _revision(),
        },
    )


def _revision() -> str:
    argv = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    return subprocess.run(argv, check=False, capture_output=True, text=True).stdout.strip()
