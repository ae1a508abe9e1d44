"""Make the image without a container engine: Debian's root file system and the driver's layer, as a docker-archive."""

import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.image import COMPILE, ROOT, SBOM, archive, install, root, sbom, version

USER = "65532:65532"  # nobody in particular; the node's pods run as root by the chart


def make(target: Path, machine: str) -> str:
    """Write the archive to ``target`` and its bill of materials beside it; return the image's id. Needs root."""
    system = root.root()
    with TemporaryDirectory(prefix="aiocsi-image-") as name:
        folder = Path(name)
        layer, whole = folder / "layer", folder / "whole"
        install.install(layer, machine)
        with tarfile.open(system) as contents:
            contents.extractall(whole, filter="fully_trusted")  # noqa: S202  # we made it, with its device nodes
        _finish(layer, whole)
        packed = folder / "layer.tar"
        archive.pack(layer, packed)
        shutil.copyfile(layer / SBOM, target.with_suffix(".cdx.json"))
        for one in (system, packed):
            print(f"layer {one.stat().st_size / 1e6:.0f} MB")
        return archive.write(target, _image(machine), [system, packed])


def _finish(layer: Path, whole: Path) -> None:
    """Byte-compile with the image's own Python and write the bill, both into ``layer``."""
    shutil.copytree(layer, whole, dirs_exist_ok=True)
    subprocess.run(["chroot", whole, *COMPILE], check=True, stdin=subprocess.DEVNULL)
    shutil.copytree(whole / "usr/local", layer / "usr/local", dirs_exist_ok=True, symlinks=True)
    (layer / SBOM).parent.mkdir(parents=True)
    (layer / SBOM).write_text(sbom.bill(whole))


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
