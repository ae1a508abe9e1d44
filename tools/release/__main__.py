"""``python -m tools.release VERSION``: make a release in dist/release/VERSION, from a clean tree.

All phases of .ci/run pass first, unless ``--tested`` says that they have. The version and the changelog are committed;
no tag is set and nothing is pushed. With ``--key`` the checksums are signed by cosign.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from tools import go_programs
from tools.image import ROOT
from tools.release import DIST, MACHINES, NotReleased, make, tree, versions


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 released, 1 it cannot be, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="make release VERSION=", description=__doc__)
    parser.add_argument("version", help="MAJOR.MINOR.PATCH, or that with -rc.N")
    parser.add_argument("--key", default="", help="cosign's private key; COSIGN_PASSWORD has its password")
    parser.add_argument("--tested", action="store_true", help=".ci/run has passed on this commit")
    given = parser.parse_args(argv)
    try:
        release(versions.checked(given.version), given.key, tested=given.tested)
    except NotReleased as error:
        print(f"no release: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"no release: {error}\n{error.stderr or ''}", file=sys.stderr)
        return 1
    return 0


def release(version: str, key: str, *, tested: bool) -> None:
    """Make the release, and say what it is. Raises NotReleased or CalledProcessError."""
    if os.geteuid() != 0:
        raise NotReleased("the image is made as root")
    tree.must_be_clean()
    go_programs.build("helm", *(["cosign"] if key else []))
    if not tested:
        subprocess.run([ROOT / ".ci" / "run"], check=True, stdin=subprocess.DEVNULL)
    tree.prepare(version)
    folder = DIST / version
    digest = make.everything(folder, version, MACHINES, key)
    signed = "signed" if key else "not signed: no KEY was given"
    print(f"{folder}\nimage {digest}\nchecksums {signed}\nnext: make publish VERSION={version} REGISTRY=…, git tag")


if __name__ == "__main__":
    sys.exit(main())
