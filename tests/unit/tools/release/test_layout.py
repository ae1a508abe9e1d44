"""The image for several machines, as an OCI layout."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from tools.image import archive
from tools.release.layout import Layout, digest_of

IMAGES = {
    machine: archive.Image(["example:1"], machine, labels={"org.opencontainers.image.title": "example"})
    for machine in ("amd64", "arm64")
}


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    (tmp_path / "layer.tar").write_bytes(b"a layer" * 1000)
    return tmp_path / "layer.tar"


def written(folder: Path, layer: Path) -> str:
    layout = Layout(folder)
    return layout.finish([layout.add(image, [layer]) for image in IMAGES.values()], {"version": "1"})


def test_the_same_layers_give_the_same_digest_wherever_they_are_written(tmp_path: Path, layer: Path) -> None:
    assert written(tmp_path / "one", layer) == written(tmp_path / "other", layer) == digest_of(tmp_path / "one")


def test_the_index_leads_to_an_image_for_each_machine_by_digest_and_size(tmp_path: Path, layer: Path) -> None:
    written(tmp_path / "layout", layer)
    blobs = tmp_path / "layout/blobs/sha256"
    index = json.loads((tmp_path / "layout/index.json").read_text())
    assert [one["platform"]["architecture"] for one in index["manifests"]] == list(IMAGES)
    for described in index["manifests"]:
        manifest = json.loads((blobs / described["digest"].removeprefix("sha256:")).read_text())
        config = json.loads((blobs / manifest["config"]["digest"].removeprefix("sha256:")).read_text())
        assert config["architecture"] == described["platform"]["architecture"]
        [packed] = manifest["layers"]
        contents = gzip.decompress((blobs / packed["digest"].removeprefix("sha256:")).read_bytes())
        assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(contents).hexdigest()}"]
        assert contents == layer.read_bytes()


def test_each_blob_is_named_by_its_digest_and_nothing_unfinished_is_left(tmp_path: Path, layer: Path) -> None:
    written(tmp_path / "layout", layer)
    for blob in (tmp_path / "layout/blobs/sha256").iterdir():
        assert blob.name == hashlib.sha256(blob.read_bytes()).hexdigest()
