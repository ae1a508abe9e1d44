"""The container image: what is in it, and how it is made without a container engine or a registry."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

PYTHON = "3.11"  # of Debian 12, the image's base
SITE = f"usr/local/lib/python{PYTHON}/dist-packages"
SBOM = "usr/share/doc/aiocsi/sbom.cdx.json"
COMPILE = ("python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
"""Byte-compiles a folder inside the image. No one changes a file there, so no file is looked at twice."""


def debian_packages() -> list[str]:
    """Return the Debian packages of the image."""
    lines = (HERE / "packages.txt").read_text().splitlines()
    return [name for line in lines if (name := line.partition("#")[0].strip())]


def version() -> str:
    """Return the project's version."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("version = "))
