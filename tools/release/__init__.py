"""A release: the version is written into the tree, and all that users get is made from that commit and signed."""

from pathlib import Path

from tools.image import ROOT

DIST = ROOT / "dist" / "release"
LAYOUT = "image"
"""The folder of a release that has the image for all machines, as an OCI image layout."""
MACHINES = ("x86_64", "aarch64")


class NotReleased(Exception):
    """The release cannot be made, or is not what it should be; the text says what to do."""


def chart_name(version: str) -> str:
    """Return the file name of the chart's package."""
    return f"aiocsi-{version}.tgz"


def signature(file: Path) -> Path:
    """Return where the signature of a file of the release is."""
    return file.with_name(f"{file.name}.sig")
