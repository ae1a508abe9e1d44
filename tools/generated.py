"""Generated files: ``update`` writes them again, ``verify`` fails with a diff when a file in the tree differs.

Whatever is generated stands in GENERATED: a new kind is one line there.
"""

import difflib
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import dashboards, lock, pictures, protos, reference, tested
from tools.chart import documentation
from tools.venv import ROOT


@dataclass(frozen=True)
class Generated:
    """One kind of generated file: what there is of it in the tree, and what makes it below another folder."""

    name: str
    paths: tuple[str, ...]  # files and folders; a folder is generated as a whole
    make: Callable[[Path], None]


GENERATED = (
    Generated(
        "csi_proto",
        ("csi_proto/csi", "csi_proto/google", "csi_proto/pluginregistration", "csi_proto/message_pool.py"),
        protos.generate,
    ),
    Generated("reference", tuple(f"docs/reference/{page}.md" for page in reference.PAGES), reference.generate),
    Generated("pictures of dashboards", dashboards.IMAGES, dashboards.make),
    Generated("pictures of the documentation", pictures.IMAGES, pictures.make),
    Generated("what was tested", (str(tested.PAGE),), tested.make),
    Generated("chart values", (str(documentation.README), str(documentation.PAGE)), documentation.make),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 updated, or all is as generated; 1 something differs; 2 wrong usage."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words not in (["update"], ["verify"]):
        print("usage: python -m tools.generated update|verify", file=sys.stderr)
        return 2
    with TemporaryDirectory(prefix="aiocsi-generated-") as name:
        folder = Path(name)
        for one in GENERATED:
            one.make(folder)
        return _update(folder) if words == ["update"] else _verify(folder)


def _update(folder: Path) -> int:
    for one in GENERATED:
        for path in one.paths:
            _replace(folder / path, ROOT / path)
        print(f"updated: {one.name}")
    return 0


def _verify(folder: Path) -> int:
    complaints = lock.check()
    for one in GENERATED:
        differences = [line for path in one.paths for line in differing(ROOT / path, folder / path)]
        print(f"{one.name}: {'differs' if differences else 'is as generated'}")
        if differences:
            sys.stdout.writelines(differences)
            complaints.append(f"{one.name} is not what is generated: run `make update` and commit")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return int(bool(complaints))


def differing(in_tree: Path, made: Path) -> Iterator[str]:
    """Yield the diff, line by line, between what is in the tree and what was made; nothing if both are the same."""
    names = sorted({*_files(in_tree), *_files(made)})
    for name in names:
        old, new = (_lines(base / name if name else base) for base in (in_tree, made))
        shown = f"{in_tree.name}/{name}" if name else in_tree.name
        yield from difflib.unified_diff(old, new, f"tree/{shown}", f"generated/{shown}")


def _files(path: Path) -> list[str]:
    """Return what is below a folder, by relative name; for a file: one empty name."""
    if path.is_dir():
        below = [file.relative_to(path) for file in path.rglob("*") if file.is_file()]
        return [str(file) for file in below if "__pycache__" not in file.parts]
    return [""] if path.exists() else []


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines(keepends=True) if file.exists() else []


def _replace(made: Path, in_tree: Path) -> None:
    if made.is_dir():
        shutil.rmtree(in_tree, ignore_errors=True)
        shutil.copytree(made, in_tree)
    else:
        shutil.copyfile(made, in_tree)


if __name__ == "__main__":
    sys.exit(main())
