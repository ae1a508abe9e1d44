"""Releases of the image that the cluster was given, published in a registry and signed with a key of the test's.

A label of each gives its image an id that the one on the nodes does not have: kubelet would want the registry's login
for both.
"""

import json
import platform
from dataclasses import dataclass, replace
from pathlib import Path

from tests.image.conftest import unpack
from tools import go_programs
from tools.image import archive
from tools.release import LAYOUT, chart_package, make, provenance, signing
from tools.release.layout import Layout
from tools.release.publish import Published, publish

REVISION = "0" * 40  # none: the image is of the tree as it is


@dataclass(frozen=True)
class Key:
    """A key pair of cosign, by its files."""

    private: str
    public: str

    @classmethod
    def make(cls, folder: Path, name: str) -> "Key":
        """Make a pair without a password."""
        prefix = folder / name
        signing.cosign("generate-key-pair", f"--output-key-prefix={prefix}")
        return cls(f"{prefix}.key", f"{prefix}.pub")


def published(image: Path, folder: Path, version: str, registry: str, key: Key) -> Published:
    """Make a release of ``image``, which is a docker-archive, in ``folder`` and publish it."""
    go_programs.build("cosign", "crane", "helm")
    digest = _layout(image, folder, version)
    package = chart_package.package(folder, version, digest)
    statement = provenance.statement({package.name: "0" * 64}, version, REVISION, {})
    (folder / make.PROVENANCE).write_text(statement)
    make.sign(folder, key.private)
    return publish(folder, registry, version, key.private)


def _layout(image: Path, folder: Path, version: str) -> str:
    unpack(image, folder / "archive")
    [listed] = json.loads((folder / "archive/manifest.json").read_text())
    config = json.loads((folder / "archive" / listed["Config"]).read_text())["config"]
    labels = {**config["Labels"], "released": version}
    architecture = archive.ARCHITECTURES[platform.machine()]
    told = archive.Image(listed["RepoTags"], architecture, command=config["Cmd"], user=config["User"])
    layout = Layout(folder / LAYOUT)
    described = layout.add(replace(told, labels=labels), [folder / "archive" / layer for layer in listed["Layers"]])
    return layout.finish([described], {})
