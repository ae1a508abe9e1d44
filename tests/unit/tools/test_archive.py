"""A docker-archive that is written without a container engine."""

import hashlib
import json
import os
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from tools.image import archive

IMAGE = archive.Image(["example:1", "example:2"], "amd64", entrypoint=["/run"], user="65532:65532")


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/file").write_text("contents")
    (tree / "etc/link").symlink_to("file")
    with suppress(PermissionError):  # without privileges the files are somebody's, too: those of who runs the tests
        os.chown(tree / "etc/file", 1000, 1000)
    archive.pack(tree, tmp_path / "layer.tar")
    return tmp_path / "layer.tar"


def test_the_same_contents_give_the_same_image_whenever_and_by_whomever_they_were_written(
    tmp_path: Path, layer: Path
) -> None:
    again = tmp_path / "again.tar"
    (tmp_path / "tree/etc/file").touch()
    archive.pack(tmp_path / "tree", again)
    assert again.read_bytes() == layer.read_bytes()
    first = archive.write(tmp_path / "a.tar", IMAGE, [layer])
    assert archive.write(tmp_path / "b.tar", IMAGE, [again]) == first


def test_the_archive_names_its_config_and_layers_by_what_is_in_them(tmp_path: Path, layer: Path) -> None:
    identity = archive.write(tmp_path / "image.tar", IMAGE, [layer])
    with tarfile.open(tmp_path / "image.tar") as written:
        files = {one.name: written.extractfile(one) for one in written.getmembers()}
        contents = {name: file.read() for name, file in files.items() if file is not None}
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    [listed] = json.loads(contents["manifest.json"])
    assert listed == {
        "Config": f"{identity.removeprefix('sha256:')}.json",
        "RepoTags": ["example:1", "example:2"],
        "Layers": [f"{digest}/layer.tar"],
    }
    assert hashlib.sha256(contents[listed["Config"]]).hexdigest() == identity.removeprefix("sha256:")
    assert json.loads(contents[listed["Config"]])["rootfs"]["diff_ids"] == [f"sha256:{digest}"]


def test_a_config_leaves_out_what_was_not_told() -> None:
    told = json.loads(IMAGE.config([]))["config"]
    assert told == {
        "Env": [archive.SEARCH_PATH],
        "Entrypoint": ["/run"],
        "User": "65532:65532",
        "WorkingDir": "/",
    }


def test_everything_in_a_layer_belongs_to_root(layer: Path) -> None:
    with tarfile.open(layer) as packed:
        owners = {(one.uid, one.gid, one.uname, one.mtime) for one in packed.getmembers()}
    assert owners == {(0, 0, "", archive.SECONDS)}
