"""Change a copy of the tree in one place, and look whether what should notice does."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "artifacts", "build", "dist", "__pycache__", "*.egg-info")
_SECONDS = 120.0  # for one look
_AT_ONCE = 2
Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Change:
    """``old`` becomes ``new`` in the one place of ``path`` that has it; an empty ``old`` is the end of the file."""

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old.strip() or 'at the end'} -> {self.new.strip()}"


class Copy:
    """A copy of the tree, in which programs run with the environment of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tree"
        shutil.copytree(ROOT, self.folder, ignore=_LEFT_OUT)

    @contextmanager
    def planted(self, change: Change) -> Iterator[None]:
        """Change the copy, and change it back. Raises ValueError if there is no such place, or more than one."""
        path = self.folder / change.path
        before = path.read_text(encoding="utf-8")
        if change.old and before.count(change.old) != 1:
            raise ValueError(f"{change}: there are {before.count(change.old)} such places")
        with self.rewritten(change.path, before.replace(change.old, change.new) if change.old else before + change.new):
            yield

    @contextmanager
    def rewritten(self, name: str, text: str) -> Iterator[None]:
        """Give a file another text, and its own again."""
        path = self.folder / name
        before = path.read_text(encoding="utf-8")
        _write(path, text)
        try:
            yield
        finally:
            _write(path, before)

    def run(self, *argv: str, seconds: float = _SECONDS) -> tuple[int, str]:
        """Run a module of Python, or a program beside it; return its exit status and output."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
        environment |= {"PYTHONPATH": str(self.folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(
            argv, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=seconds
        )
        return done.returncode, done.stdout + done.stderr


def _write(path: Path, text: str) -> None:
    """Write a source, and remove what Python has compiled of it: two versions may have one size and second."""
    path.write_text(text, encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


def in_copies(look: Callable[[Copy, Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """Yield what ``look`` finds for each item in a copy that is its own meanwhile, in the order of the items."""
    free: SimpleQueue[Copy] = SimpleQueue()

    def look_in_a_copy(item: Item) -> Found:
        copy = free.get()
        try:
            return look(copy, item)
        finally:
            free.put(copy)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as pool:
        for number in range(_AT_ONCE):
            free.put(Copy(Path(folder, str(number))))
        yield from pool.map(look_in_a_copy, items)


def unnoticed(changes: Sequence[Change], looks: Sequence[Sequence[str]]) -> list[str]:
    """Return the changes that none of the programs ``looks`` notices. Raises ValueError if they fail without one."""
    for look, (status, output) in zip(looks, in_copies(lambda copy, look: copy.run(*look), looks), strict=True):
        if status != 0:
            raise ValueError(f"{' '.join(look)} fails without a change:\n{output[-3000:]}")
    noticed = in_copies(lambda copy, change: _notices(copy, change, looks), changes)
    return [str(change) for change, is_noticed in zip(changes, noticed, strict=True) if not is_noticed]


def _notices(copy: Copy, change: Change, looks: Sequence[Sequence[str]]) -> bool:
    with copy.planted(change):
        return any(copy.run(*look)[0] != 0 for look in looks)


def main(changes: Sequence[Change], looks: Sequence[Sequence[str]]) -> int:
    """Say which changes passed unnoticed; return the exit status."""
    missed = unnoticed(changes, looks)
    sys.stdout.write("".join(f"not noticed: {change}\n" for change in missed))
    sys.stdout.write(f"{len(changes) - len(missed)} of {len(changes)} changes were noticed\n")
    return 1 if missed else 0
