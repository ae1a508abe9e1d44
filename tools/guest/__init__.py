"""The image of a guest that stands for a droplet, and the image of the driver that it runs.

``python -m tools.guest`` makes what is missing and prints where it is. Both are kept in the cache under a hash of what
they are made of. Everything in the guest image is a package of Debian or a file of this folder.
"""

from pathlib import Path

from tools.golang import CACHE
from tools.venv import ROOT

HERE = Path(__file__).resolve().parent
FILES = HERE / "files"
AGENT = ROOT / "localcloud/guests/guest_agent.py"
IMAGES = CACHE / "guests"


def debian_packages() -> list[str]:
    """Return the Debian packages of the guest."""
    lines = (HERE / "packages.txt").read_text().splitlines()
    return [name for line in lines if (name := line.partition("#")[0].strip())]
