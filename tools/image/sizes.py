"""How large each package of the image is, layer by layer: what a smaller image would have to do without."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.image import SITE

DEBIAN, OURS = "Debian", "driver and libraries"
NOBODY = "made while the image was built"


def table(system: Path, layer: Path, owners: Mapping[str, set[str]]) -> str:
    """Return a line for each package, the largest first: bytes, layer, name. ``owners`` are those of Debian's files."""
    sizes = Counter[tuple[str, str]]()
    for name, size in _files(system):
        sizes[DEBIAN, min(owners.get(_source(name), {NOBODY}))] += size
    for name, size in _files(layer):
        sizes[OURS, _python_package(name)] += size
    totals = {kind: sum(size for (one, _), size in sizes.items() if one == kind) for kind in (DEBIAN, OURS)}
    lines = [f"{total}\t{kind}\tall" for kind, total in totals.items()]
    lines += [
        f"{size}\t{kind}\t{name}" for (kind, name), size in sorted(sizes.items(), key=lambda one: (-one[1], one[0]))
    ]
    return "\n".join([*lines, ""])


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.stat().st_size


def _source(name: str) -> str:
    """Return the module of a byte-compiled one, and any other file as it is."""
    folder, found, file = name.rpartition("/__pycache__/")
    return f"{folder}/{file.partition('.')[0]}.py" if found else name


def _python_package(name: str) -> str:
    """Return the package that a file of the driver's layer is of, without its version."""
    top = (
        name.removeprefix(f"{SITE}/").partition("/")[0]
        if name.startswith(f"{SITE}/")
        else "programs, bill of materials"
    )
    return top.removesuffix(".dist-info").partition("-")[0].partition(".")[0]
