"""Write the lock files from pyproject.toml: every package pinned and hashed, for Linux and each supported Python.

The first line of a lock file carries a digest of what was asked for, so that ``check`` can tell, without an index,
that a dependency was changed and the lock files were not. No lock file names an index or a host.
"""

import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.venv import PROJECT_FILE, ROOT

OLDEST_PYTHON = "3.11"


@dataclass(frozen=True)
class Lock:
    """One lock file: the project's dependencies with ``extras`` and ``groups``, or the groups alone."""

    name: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    with_project: bool = True

    @property
    def file(self) -> Path:
        """Where the lock file is."""
        return ROOT / "requirements" / f"{self.name}.txt"

    def first_line(self) -> str:
        """Return the line that tells from what the file was made."""
        return f"# {self.name}: made by `make lock` from what pyproject.toml asks for, {self._digest()}\n"

    def _digest(self) -> str:
        document = tomllib.loads(PROJECT_FILE.read_text())
        project = document["project"]
        asked = [
            project["dependencies"] if self.with_project else [],
            [project["optional-dependencies"][extra] for extra in self.extras],
            [document["dependency-groups"][group] for group in self.groups],
        ]
        return "sha256:" + hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


DEV = Lock("dev", extras=("controller", "kubernetes", "localcloud"), groups=("dev",))
LOCKS = (  # the first one settles the versions of the others
    DEV,
    Lock("node"),
    Lock("controller", extras=("controller",)),
    Lock("localcloud", extras=("localcloud",)),
    Lock("image", extras=("controller", "kubernetes")),
    Lock("kubectl", extras=("kubernetes",)),
    Lock("site", groups=("site",), with_project=False),
    Lock("workflows", groups=("workflows",), with_project=False),
    Lock("go", groups=("go",), with_project=False),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 the files are written, 1 a set of packages has no solution.

    Pins that still fit are kept; ``--upgrade`` or ``--upgrade-package=NAME`` takes newer ones.
    """
    words = sys.argv[1:] if argv is None else argv
    for lock in LOCKS:
        try:
            _write(lock, words)
        except subprocess.CalledProcessError as error:
            return error.returncode
        packages = [line for line in lock.file.read_text().splitlines() if line[:1].isalnum()]
        print(f"{lock.file.relative_to(ROOT)}: {len(packages)} packages")
    return 0


def check() -> list[str]:
    """Return a line for each lock file that was not made from what pyproject.toml asks for now."""
    return [
        f"requirements/{lock.name}.txt is not what pyproject.toml asks for: run `make lock`"
        for lock in LOCKS
        if not lock.file.exists() or not lock.file.read_text().startswith(lock.first_line())
    ]


def _write(lock: Lock, options: Sequence[str]) -> None:
    argv = ["uv", "pip", "compile", "--quiet", "--universal", f"--python-version={OLDEST_PYTHON}"]
    argv += ["--generate-hashes", "--no-header", "--no-annotate", f"--output-file={lock.file}", *options]
    argv += [f"--extra={extra}" for extra in lock.extras] + [f"--group={group}" for group in lock.groups]
    if lock.with_project:
        argv.append("pyproject.toml")
    if lock is not DEV:
        argv.append(f"--constraints={DEV.file}")
    subprocess.run(argv, check=True, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    lock.file.write_text(lock.first_line() + lock.file.read_text())


if __name__ == "__main__":
    sys.exit(main())
