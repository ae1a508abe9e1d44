"""``python -m tools.release.publish FOLDER REGISTRY``: push a release's image and chart, and verify what arrived.

With ``--key`` both are signed in the registry, and the image gets its provenance as a signed statement.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import go_programs
from tools.release import LAYOUT, NotReleased, chart_name, make, signing
from tools.release.layout import digest_of

SECONDS = 600
IMAGE, CHARTS, CHART = "aiocsi", "charts", "aiocsi"
ON_THIS_MACHINE = ("127.0.0.1:", "localhost:", "[::1]:")


@dataclass(frozen=True)
class Published:
    """What a registry has of a release, named by digest."""

    image: str
    chart: str


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 published, 1 it failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="make publish VERSION= REGISTRY=", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the release")
    parser.add_argument("registry", help="host, and a path in it: registry.example.com/storage")
    parser.add_argument("--key", default="", help="cosign's private key; COSIGN_PASSWORD has its password")
    given = parser.parse_args(argv)
    go_programs.build("crane", "helm", *(["cosign"] if given.key else []))
    try:
        published = publish(given.folder, given.registry, given.folder.name, given.key)
    except NotReleased as error:
        print(f"not published: {error}", file=sys.stderr)
        return 1
    print(f"image {published.image}\nchart {published.chart}")
    return 0


def publish(folder: Path, registry: str, version: str, key: str = "") -> Published:
    """Push the release in ``folder``, verify and sign it; return what the registry has. Raises NotReleased."""
    image = push_image(folder / LAYOUT, f"{registry}/{IMAGE}:{version}")
    chart = push_chart(folder / chart_name(version), registry, version)
    if key:
        signing.sign(image, key)
        signing.sign(chart, key)
        _attest(folder, image, key)
        _verify(key, image, chart)
    return Published(image, chart)


def push_image(layout: Path, tag: str) -> str:
    """Push the image of a layout; return its name by digest. Raises NotReleased unless all of it arrived."""
    _run("crane", "push", str(layout), "--index", tag)
    wanted, arrived = digest_of(layout), _run("crane", "digest", tag).strip()
    if arrived != wanted:
        raise NotReleased(f"{tag} is {arrived} in the registry, and {wanted} here")
    name = f"{tag.rpartition(':')[0]}@{arrived}"
    _run("crane", "validate", f"--remote={name}")
    return name


def push_chart(package: Path, registry: str, version: str) -> str:
    """Push the chart; return its name by digest. Raises NotReleased unless it arrived as it is here."""
    plain = ["--plain-http"] if registry.startswith(ON_THIS_MACHINE) else []
    _run("helm", "push", str(package), f"oci://{registry}/{CHARTS}", *plain)
    tag = f"{registry}/{CHARTS}/{CHART}:{version}"
    with TemporaryDirectory(prefix="aiocsi-arrived-") as folder:
        where = f"oci://{registry}/{CHARTS}/{CHART}"
        _run("helm", "pull", where, f"--version={version}", f"--destination={folder}", *plain)
        if _sha256(Path(folder) / package.name) != _sha256(package):
            raise NotReleased(f"{tag} has another chart than {package}")
    return f"{tag.rpartition(':')[0]}@{_run('crane', 'digest', tag).strip()}"


def _attest(folder: Path, image: str, key: str) -> None:
    statement = json.loads((folder / make.PROVENANCE).read_text())
    with TemporaryDirectory(prefix="aiocsi-statement-") as name:
        predicate = Path(name) / "predicate.json"
        predicate.write_text(json.dumps(statement["predicate"]))
        signing.attest(image, key, "slsaprovenance1", predicate)


def _verify(key: str, *names: str) -> None:
    with TemporaryDirectory(prefix="aiocsi-key-") as folder:
        public = str(signing.public(key, Path(folder) / make.PUBLIC_KEY))
        for name in names:
            signing.verify(name, public)


def _run(name: str, *words: str) -> str:
    argv = [str(go_programs.path(name)), *words]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
    if done.returncode != 0:
        raise NotReleased(f"{name} {words[0]}: {done.stderr.strip()}")
    return done.stdout


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
