"""Write a docker-archive: the tar that ``docker load``, ``ctr images import`` and ``kind load image-archive`` read.

Layers and times are fixed by their contents, so the same contents give the same image id.
Source: the image specification v1.2 of Docker (manifest.json, config, layers as plain tars).
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CREATED = "2026-01-01T00:00:00Z"
SECONDS = 1767225600  # the same, since the epoch
SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """What an image says of itself, beside its layers."""

    tags: Sequence[str]
    architecture: str
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Sequence[str] = ()
    user: str = ""
    stop_signal: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def config(self, layers: Sequence[str]) -> bytes:
        """Return the image's config; its digest is the image's id. ``layers`` are SHA-256 digests."""
        told = {
            "Env": [SEARCH_PATH, *self.environment],
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "User": self.user,
            "StopSignal": self.stop_signal,
            "Labels": dict(self.labels),
            "WorkingDir": "/",
        }
        document = {
            "architecture": self.architecture,
            "os": "linux",
            "created": CREATED,
            "config": {key: value for key, value in told.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in layers]},
            "history": [{"created": CREATED} for _ in layers],
        }
        return json.dumps(document).encode()


def write(target: Path, image: Image, layers: Sequence[Path]) -> str:
    """Write the archive of ``image`` with these layers (tars, lowest first); return the image's id."""
    digests = [_digest(layer) for layer in layers]
    config = image.config(digests)
    name = hashlib.sha256(config).hexdigest()
    listed = {"Config": f"{name}.json", "RepoTags": list(image.tags), "Layers": [f"{one}/layer.tar" for one in digests]}
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.new")
    with tarfile.open(unfinished, "w", format=tarfile.GNU_FORMAT) as archive:
        add_bytes(archive, f"{name}.json", config)
        for digest, layer in zip(digests, layers, strict=True):
            with layer.open("rb") as contents:
                archive.addfile(entry(f"{digest}/layer.tar", size=layer.stat().st_size), contents)
        add_bytes(archive, "manifest.json", json.dumps([listed]).encode())
    unfinished.replace(target)
    return f"sha256:{name}"


def pack(folder: Path, target: Path) -> None:
    """Make a layer of what is below ``folder``: owned by root, times fixed, in a fixed order."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as layer:
        for path in sorted(folder.rglob("*")):
            layer.add(path, str(path.relative_to(folder)), recursive=False, filter=_anonymous)


def entry(name: str, *, size: int = 0, mode: int = 0o644) -> tarfile.TarInfo:
    """Return the header of a file, owned by root."""
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, mode, SECONDS
    return header


def add_bytes(archive: tarfile.TarFile, name: str, contents: bytes) -> None:
    """Add a file with these contents."""
    archive.addfile(entry(name, size=len(contents)), io.BytesIO(contents))


def _anonymous(header: tarfile.TarInfo) -> tarfile.TarInfo:
    header.uid = header.gid = 0
    header.uname = header.gname = ""
    header.mtime = SECONDS
    return header


def _digest(file: Path) -> str:
    with file.open("rb") as contents:
        return hashlib.file_digest(contents, "sha256").hexdigest()
