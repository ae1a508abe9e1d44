"""Make the virtual environment that everything else runs in; do nothing when it is as the lock file says.

Runs on a bare Python. The lock file is hashed and pinned, and names no index: pip takes what it is set up to take.
"""

import argparse
import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV_LOCK = ROOT / "requirements" / "dev.txt"
PROJECT_FILE = ROOT / "pyproject.toml"
WRITTEN = (".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "artifacts", "build", "dist")
"""What the targets write into the tree, beside environments."""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 the environment is ready, 1 pip failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / ".venv", help="where the environment is")
    folder: Path = parser.parse_args(argv).folder
    try:
        prepare(folder)
    except subprocess.CalledProcessError as error:
        print(f"{folder.name}: {' '.join(map(str, error.cmd))}: exit status {error.returncode}", file=sys.stderr)
        print("if no package index answers, set PIP_INDEX_URL or PIP_FIND_LINKS", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename} {repair(folder, f'{folder}.lock')}", file=sys.stderr)
        return 1
    hand_over(ROOT, *(ROOT / name for name in WRITTEN))
    for path in not_ours(ROOT):
        print(f"{path} {repair(path)}", file=sys.stderr)
    return int(bool(not_ours(ROOT)))


def repair(*paths: str | Path) -> str:
    """Return what is wrong with these paths, and the line to type."""
    return f'belongs to another user, as after sudo make: sudo chown -R "$USER" {shlex.join(map(str, paths))}'


def not_ours(tree: Path) -> list[Path]:
    """Return what an earlier run wrote into the tree, and this user cannot write."""
    return [path for name in WRITTEN if (path := tree / name).exists() and not os.access(path, os.W_OK)]


def hand_over(tree: Path, *written: Path) -> None:
    """Give what root wrote to whom the tree belongs: sudo make must not be in the way of make."""
    owner = tree.stat()
    there = [path for path in written if path.exists()]
    if os.geteuid() == 0 and owner.st_uid != 0 and there:
        _run("chown", "--recursive", "--no-dereference", f"{owner.st_uid}:{owner.st_gid}", *there)


def prepare(folder: Path) -> None:
    """Make ``folder`` an environment of this Python with the locked packages and the project itself, editable."""
    python = folder / "bin" / "python"
    with _only_one(folder):
        _install(python, DEV_LOCK)
        project = _digest(PROJECT_FILE.read_bytes())
        if _stamp(folder, "project") != project:
            print(f"{folder.name}: aiocsi itself, editable")
            _run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT)
            _set_stamp(folder, "project", project)
            hand_over(ROOT, folder)


def prepare_only(folder: Path, lock: Path) -> Path:
    """Make ``folder`` an environment of this Python with the packages of ``lock``; return its Python."""
    python = folder / "bin" / "python"
    with _only_one(folder):
        _install(python, lock)
    return python


def _install(python: Path, lock: Path) -> None:
    """Make the environment of ``python`` again if it is not what ``lock`` asks for."""
    folder = python.parent.parent
    packages = _digest(sys.version.encode(), str(ROOT).encode(), lock.read_bytes())
    if _stamp(folder, "packages") == packages and python.exists():
        return
    what = f"Python {sys.version.split()[0]}, packages of {lock.relative_to(ROOT)}"
    print(f"{folder.name}: {what} (once; half a minute)", flush=True)
    _run(sys.executable, "-m", "venv", "--clear", folder)
    _run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock)
    _set_stamp(folder, "packages", packages)
    hand_over(ROOT, folder, folder.with_name(f"{folder.name}.lock"))


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Let a second ``make`` wait until the first one has made the environment."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _stamp(folder: Path, name: str) -> str:
    file = folder / f"{name}.sha256"
    return file.read_text() if file.exists() else ""


def _set_stamp(folder: Path, name: str, value: str) -> None:
    (folder / f"{name}.sha256").write_text(value)


def _run(*argv: object) -> None:
    subprocess.run([str(word) for word in argv], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
