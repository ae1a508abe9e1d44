"""A root file system for a machine that this one cannot run: Debian's packages, unpacked, with no script of them run.

What those scripts would write (users, certificates, how names are found) is the same on each machine, so it is taken
from a root file system of this one. Byte-compiled modules are made by its Python: they depend on the version alone.
"""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from tools.image import COMPILE, PYTHON, SITE

WRITTEN = ("etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/ssl")
ARCHIVES = "var/cache/apt/archives"
DPKG = "var/lib/dpkg"
INSTALLED = "Status: install ok installed"
STAGE = "foreign"


def complete(whole: Path, native: Path) -> None:
    """Add to the unpacked ``whole`` what scripts would have written, and dpkg's record of what is installed."""
    for name in WRITTEN:
        _replace(native / name, whole / name)
    archives = sorted((whole / ARCHIVES).glob("*.deb"))
    entries = [_record(archive, whole / DPKG / "info") for archive in archives]
    (whole / DPKG / "status").write_text("\n".join(entries))
    shutil.rmtree(whole / ARCHIVES)


def compile_modules(native: Path, whole: Path, layer: Path) -> None:
    """Byte-compile Python's own modules in ``whole`` and the driver's in ``layer`` with the Python of ``native``."""
    stage = native / STAGE
    moved = {whole / f"usr/lib/python{PYTHON}": f"usr/lib/python{PYTHON}", layer / SITE: SITE}
    for source, name in moved.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, stage / name)
    prefixes = ("-s", f"/{STAGE}", "-p", "/")
    argv = ["chroot", str(native), *COMPILE, *prefixes, *(f"/{STAGE}/{name}" for name in moved.values())]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    for source, name in moved.items():
        shutil.move(stage / name, source)


def record(control: str, names: Iterable[str]) -> tuple[str, str]:
    """Return dpkg's entry of a package with this control file, and its list of files, which a tar names so."""
    package, _, fields = control.strip().partition("\n")
    paths = sorted({f"/{name.removeprefix('./').strip('/')}" for name in names} - {"/"})
    return f"{package}\n{INSTALLED}\n{fields}\n", "".join(f"{path}\n" for path in ("/.", *paths))


def _record(archive: Path, info: Path) -> str:
    control = subprocess.run(["dpkg-deb", "--field", archive], check=True, capture_output=True, text=True).stdout
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as files:
        entry, listed = record(control, files.getnames())
    info.mkdir(parents=True, exist_ok=True)
    (info / f"{archive.name.partition('_')[0]}.list").write_text(listed)
    return entry


def _replace(source: Path, target: Path) -> None:
    if not source.is_dir():
        shutil.copyfile(source, target)
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
