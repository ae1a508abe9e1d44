"""Make the image: ``python -m tools.image [auto|docker|archive]``.

``docker`` builds the Dockerfile. ``archive`` needs neither an engine nor a registry. ``auto`` takes docker if it
answers and can pull the base. Both write dist/aiocsi-….tar, for ``docker load`` or ``kind load image-archive``.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.image import ROOT, archive, make, version

LARGEST_MB = 220
PULL_SECONDS = 120


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 made, 1 it cannot be made or is too large, 2 wrong usage."""
    words = sys.argv[1:] if argv is None else list(argv)
    way = words[0] if words else "auto"
    if len(words) > 1 or way not in {"auto", "docker", "archive"}:
        print("usage: python -m tools.image [auto|docker|archive]", file=sys.stderr)
        return 2
    try:
        size = _by_docker() if way == "docker" or (way == "auto" and _docker_can_pull()) else _by_hand()
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        print(f"no image: {error}", file=sys.stderr)
        return 1
    print(f"image {size / 1e6:.0f} MB, of at most {LARGEST_MB}")
    return int(size > LARGEST_MB * 1e6)


def base() -> str:
    """Return the base image that the Dockerfile names."""
    match = re.search(r"^ARG BASE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert match is not None, "the Dockerfile names no base"  # noqa: S101  # it is ours
    return match[1]


def _docker_can_pull() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        done = subprocess.run(
            ["docker", "pull", "--quiet", base()], check=False, capture_output=True, timeout=PULL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _by_docker() -> int:
    tag = f"aiocsi:{version()}"
    print(f"docker builds {tag} on {base()}")
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    argv = ["docker", "build", "--build-arg", f"VERSION={version()}"]
    bill = ["--target", "bill", "--output", str(_target().parent)]
    subprocess.run([*argv, *bill, ROOT], check=True, env=environment)
    subprocess.run([*argv, "--tag", tag, ROOT], check=True, env=environment)
    subprocess.run(["docker", "history", tag], check=True)
    subprocess.run(["docker", "save", "--output", _target(), tag], check=True)
    return _target().stat().st_size


def _by_hand() -> int:
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        raise FileNotFoundError("docker cannot pull the base, and mmdebstrap (Debian package) as root is the other way")
    print(f"mmdebstrap makes the base of {_target().name}")
    print(make.make(_target(), platform.machine()))
    return _target().stat().st_size


def _target() -> Path:
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    return folder / f"aiocsi-{version()}-{archive.ARCHITECTURES[platform.machine()]}.tar"


if __name__ == "__main__":
    sys.exit(main())
