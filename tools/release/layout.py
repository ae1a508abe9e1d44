"""Write an OCI image layout with one image for several machines: ``crane push FOLDER`` takes it.

Everything is fixed by its contents, so the same layers give the same digests.
Source: the OCI image specification 1.1 (image-layout, image-index, manifest).
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.image import archive

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PIECE = 1 << 20

Described = Mapping[str, object]


@dataclass(frozen=True)
class Layout:
    """The folder of a layout."""

    folder: Path

    def add(self, image: archive.Image, layers: Sequence[Path]) -> Described:
        """Add the image for one machine, with its layers (tars, lowest first); return its descriptor."""
        contents = image.config([_digest(layer) for layer in layers])
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, contents),
            "layers": [self._compressed(layer) for layer in layers],
            "annotations": dict(image.labels),
        }
        platform = {"architecture": image.architecture, "os": "linux"}
        return {**self._blob(MANIFEST, _json(manifest)), "platform": platform}

    def finish(self, images: Iterable[Described], annotations: Mapping[str, str]) -> str:
        """Write the index of all machines' images; return its digest, by which the image is pulled."""
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(images), "annotations": dict(annotations)}
        contents = _json(index)
        (self.folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
        (self.folder / "index.json").write_bytes(contents)
        return f"sha256:{hashlib.sha256(contents).hexdigest()}"

    def _blob(self, kind: str, contents: bytes) -> Described:
        digest = hashlib.sha256(contents).hexdigest()
        self._place(digest).write_bytes(contents)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(contents)}

    def _compressed(self, layer: Path) -> Described:
        unfinished = self._place("unfinished")
        with (
            layer.open("rb") as source,
            unfinished.open("wb") as target,
            gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as packed,
        ):
            shutil.copyfileobj(source, packed, PIECE)
        digest = _digest(unfinished)
        unfinished.replace(self._place(digest))
        return {"mediaType": LAYER, "digest": f"sha256:{digest}", "size": self._place(digest).stat().st_size}

    def _place(self, digest: str) -> Path:
        folder = self.folder / "blobs" / "sha256"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / digest


def digest_of(folder: Path) -> str:
    """Return the digest of the image in a layout."""
    return f"sha256:{_digest(folder / 'index.json')}"


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _digest(file: Path) -> str:
    with file.open("rb") as contents:
        return hashlib.file_digest(contents, "sha256").hexdigest()
