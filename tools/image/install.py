"""Lay the driver and its Python packages into a folder that becomes a layer of the image.

``python -m tools.image.install FOLDER [--machine MACHINE]``; the packages are the hashed ones of requirements/. Runs
on a bare Python with pip.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.image import PYTHON, ROOT, SITE, version
from tools.image.recipes import DRIVER, Recipe

SCRIPT = """\
#!/usr/bin/python3 -I
import sys

from {module} import main

sys.exit(main())
"""
PLATFORMS = ("manylinux_2_17", "manylinux2014", "manylinux_2_28", "manylinux_2_34")
"""Of the wheels that Debian 12 (glibc 2.36) can load."""

UNUSED = (
    *("lightkube/models/*alpha*.py", "lightkube/models/*beta*.py", "lightkube/models/_schema.json"),
    *("lightkube/resources/*alpha*.py", "lightkube/resources/*beta*.py"),
    *("yaml/_yaml*.so", "anyio/pytest_plugin.py", "aiohttp/_websocket/*.so"),
    *("**/*.pyx", "**/*.pxd", "**/*.c", "**/*.h"),
)
"""Of the libraries: objects of Kubernetes that are not stable, faster YAML and websockets, sources in C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 pip failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the layer's root; made if it is not there")
    parser.add_argument("--machine", default="x86_64", choices=("x86_64", "aarch64"), help="of the image")
    given = parser.parse_args(argv)
    try:
        install(given.folder, given.machine)
    except subprocess.CalledProcessError as error:
        print(f"pip: exit status {error.returncode}", file=sys.stderr)
        return 1
    return 0


def install(folder: Path, machine: str, recipe: Recipe = DRIVER) -> None:
    """Fill ``folder``. Raises CalledProcessError if pip fails."""
    libraries(folder, machine, recipe.requirements)
    ours(folder, recipe)


def libraries(folder: Path, machine: str, requirements: Path) -> None:
    """Lay the hashed packages of a requirements file into ``folder``. Raises CalledProcessError if pip fails."""
    site = folder / SITE
    site.mkdir(parents=True)
    wheels = [f"--platform={platform}_{machine}" for platform in PLATFORMS]
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--no-compile"]
    argv += ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}", *wheels]
    argv += ["--disable-pip-version-check", "--root-user-action=ignore"]
    subprocess.run([*argv, "--target", site, "-r", requirements], check=True, stdin=subprocess.DEVNULL)
    shutil.rmtree(site / "bin", ignore_errors=True)
    for unused in [file for pattern in UNUSED for file in site.glob(pattern)]:
        unused.unlink()


def ours(folder: Path, recipe: Recipe = DRIVER) -> None:
    """Lay our own packages and programs into ``folder``, beside the libraries."""
    site = folder / SITE
    for package in recipe.packages:
        shutil.copytree(ROOT / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))
    _metadata(site)
    _scripts(folder / "usr/local/bin", recipe.scripts)


def _metadata(site: Path) -> None:
    """Say which version of ours this is, as an installer would."""
    licence = re.search(r'^license = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    lines = ["Metadata-Version: 2.4", "Name: aiocsi", f"Version: {version()}"]
    lines += [f"License-Expression: {licence[1]}"] if licence else []
    folder = site / f"aiocsi-{version()}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("\n".join([*lines, ""]))


def _scripts(folder: Path, scripts: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, module in scripts.items():
        script = folder / name
        script.write_text(SCRIPT.format(module=module))
        script.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
