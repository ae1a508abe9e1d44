"""What of Debian's root file system the driver needs: its programs, Python, and the libraries of both; no shell.

Libraries are followed by what each ELF file says that it needs (readelf), so this works for a machine of another kind.
Each Debian package of which a file stays keeps its entry and its licence.
"""

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tools.image.recipes import Recipe

FOLDERS = (  # whole
    *("usr/lib/python3.11", "etc/python3.11", "etc/ssl", "usr/lib/ssl", "usr/share/ca-certificates"),
    "usr/share/xfsprogs",
)
FILES = (
    *("etc/passwd", "etc/group", "etc/os-release", "etc/debian_version", "etc/mke2fs.conf"),
    *("etc/host.conf", "etc/nsswitch.conf"),
)
OPENED_LATER = ("libgcc_s.so.1",)  # by glibc, when a thread ends
EMPTY = {"dev": 0o755, "proc": 0o755, "run": 0o755, "sys": 0o755, "tmp": 0o1777, "var/lib": 0o755, "root": 0o700}
SEARCH = ("usr/bin", "usr/sbin", "bin", "sbin")
NEEDED = re.compile(r"\((?:NEEDED|RPATH|RUNPATH)\).*\[(.*)\]|Requesting program interpreter: (.*)\]")
ELF = b"\x7fELF"


def copy(whole: Path, layer: Path, target: Path, recipe: Recipe) -> None:
    """Copy from the root file system ``whole`` to ``target`` what the programs in ``layer`` need."""
    for link in whole.iterdir():
        if link.is_symlink():  # /lib leads to usr/lib
            _copy(whole, str(link.relative_to(whole)), target)
    kept = sorted(_closure(whole, layer, recipe))
    for path in kept:
        _copy(whole, path, target)
    for name, mode in EMPTY.items():
        (target / name).mkdir(parents=True, exist_ok=True)
        (target / name).chmod(mode)
    (target / "etc/mtab").symlink_to("../proc/self/mounts")  # where a program looks for mounts
    _describe(whole, kept, target)


def _closure(whole: Path, layer: Path, recipe: Recipe) -> set[str]:
    """Return the paths that stay, below the root and without symbolic links on the way."""
    libraries = {path.name: path for folder in ("usr/lib", "usr/lib64") for path in _libraries(whole / folder)}
    programs = [program(whole, name) for name in recipe.programs]
    folders = [path for folder in FOLDERS for path in (whole / folder).rglob("*")]
    files = [whole / name for name in FILES if (whole / name).exists()]
    waiting = [*programs, *folders, *files, *(libraries[name] for name in OPENED_LATER)]
    found = {path for path in layer.rglob("*.so*") if path.is_file()}  # looked at, and not copied
    waiting += [needed for path in found for needed in _needs(path, whole, libraries)]
    kept: set[str] = set()
    while waiting:
        path = waiting.pop()
        name = _below(whole, path)
        if name in kept or any(fnmatch.fnmatch(name, pattern) for pattern in recipe.unused):
            continue
        kept.add(name)
        if path.is_symlink():
            waiting.append(_leads_to(whole, path))
        elif path.is_file():
            waiting += _needs(path, whole, libraries)
    return kept


def _libraries(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.so*") if not path.is_dir()) if folder.is_dir() else iter(())


def program(whole: Path, name: str) -> Path:
    """Return a program of the root file system. Raises FileNotFoundError."""
    for folder in SEARCH:
        path = whole / folder / name
        if path.exists() or path.is_symlink():
            return path
    raise FileNotFoundError(f"{name} is in none of {', '.join(SEARCH)} of the image's root file system")


def _needs(path: Path, whole: Path, libraries: Mapping[str, Path]) -> Iterator[Path]:
    """Yield the libraries that an ELF file names, and what loads them; nothing for another file."""
    with path.open("rb") as content:
        if content.read(4) != ELF:
            return
    argv = ["readelf", "--dynamic", "--program-headers", "--wide", str(path)]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    for library, loader in NEEDED.findall(told):
        if loader:
            yield whole / loader.lstrip("/")
        elif library in libraries:
            yield libraries[library]


def _leads_to(whole: Path, link: Path) -> Path:
    """Return what a symbolic link of the root file system leads to, one step."""
    leads_to = str(link.readlink())
    return whole / leads_to.lstrip("/") if leads_to.startswith("/") else Path(os.path.normpath(link.parent / leads_to))


def _below(whole: Path, path: Path) -> str:
    """Return where a path is below the root, with the folders on the way resolved there."""
    name = Path(os.path.normpath(path)).relative_to(whole)
    folder = name.parent
    if folder.parts and (whole / folder.parts[0]).is_symlink():
        folder = (whole / folder.parts[0]).readlink().joinpath(*folder.parts[1:])
    return str(folder / name.name)


def _copy(whole: Path, name: str, target: Path) -> None:
    source, copied = whole / name, target / name
    if source.is_dir() and not source.is_symlink():
        copied.mkdir(parents=True, exist_ok=True)
        return
    copied.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, copied, follow_symlinks=False)
    if not copied.is_symlink():
        copied.chmod(copied.stat().st_mode & ~0o6000)  # nothing runs with more rights than its caller


def _describe(whole: Path, kept: Iterable[str], target: Path) -> None:
    """Keep the entry (as scanners read it, in status.d) and the licence of each package of which something stays."""
    owned = owners(whole)
    packages = {package for name in kept if not (whole / name).is_dir() for package in owned.get(name, ())}
    entries = (whole / "var/lib/dpkg/status").read_text().split("\n\n")
    status = target / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    for entry in entries:
        package = entry.partition("\n")[0].removeprefix("Package: ")
        if package in packages:
            (status / package).write_text(f"{entry.strip()}\n")
            licence = whole / "usr/share/doc" / package / "copyright"
            if licence.exists():
                copied = target / "usr/share/doc" / package / "copyright"
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(licence, copied)


def owners(whole: Path) -> dict[str, set[str]]:
    """Return the packages that own each path."""
    found: dict[str, set[str]] = {}
    for listed in (whole / "var/lib/dpkg/info").glob("*.list"):
        for line in listed.read_text().splitlines():
            found.setdefault(_below(whole, whole / line.lstrip("/")), set()).add(listed.stem.partition(":")[0])
    return found
