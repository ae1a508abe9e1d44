"""What one version leaves in the node's state directory."""

import shutil
from pathlib import Path

import pytest

from node.host.state import StateFolder
from node.records.state import Intent, Published, Staged
from tests.contract.formats.golden import HERE, NEWEST, VERSIONS

READ = pytest.mark.parametrize("version", VERSIONS)

ID = "7940e7f5-c368-430c-981a-7f56348a24c7"
BOOT = "3f0e8c3e-8f4b-4d6e-9d7e-1b1c0a5f2d11"
INTENT = Intent(volume_id=ID, kind="ext4", size_bytes=5368709120, boot=BOOT, sequence="12")
STAGED = Staged(
    volume_id=ID,
    volume_name="pvc-0f9d",
    path="/var/lib/kubelet/plugins/kubernetes.io/csi/globalmount",
    number="253:0",
    kind="xfs",
    flags=("noatime", "nouuid"),
    read_only=True,
    errors=2,
    to_grow=True,
    set_read_only=True,
    disk="8:16",
    other_paths=("/var/lib/kubelet/plugins/kubernetes.io/csi/pv/pvc-0f9d/globalmount",),
)
PUBLISHED = Published(
    volume_id=ID,
    target="/var/lib/kubelet/pods/0f9d/volumes/kubernetes.io~csi/pvc-0f9d/mount",
    block=False,
    read_only=True,
    flags=("noatime",),
)


def loaded(version: str, folder: Path, boot: str) -> StateFolder:
    shutil.copytree(HERE / version / "state", folder / "state")
    found = StateFolder(folder / "state")
    found.load(boot)
    return found


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@READ
def test_the_records_of_every_version_are_read(version: str, tmp_path: Path) -> None:
    found = loaded(version, tmp_path, BOOT)
    assert found.read(Intent, ID) == INTENT
    assert found.read(Staged, ID) == STAGED
    assert found.read(Published, PUBLISHED.target) == PUBLISHED


@READ
def test_after_another_boot_the_begun_formats_of_every_version_are_left(version: str, tmp_path: Path) -> None:
    found = loaded(version, tmp_path, "another")
    assert (found.all(Intent), found.all(Staged), found.all(Published)) == ((INTENT,), (), ())


def test_records_are_written_as_before(tmp_path: Path) -> None:
    written = StateFolder(tmp_path)
    written.load(BOOT)
    for record in (INTENT, STAGED, PUBLISHED):
        written.write(record)
    assert files(tmp_path) == files(HERE / NEWEST / "state")


@READ
def test_what_is_removed_is_the_file_that_every_version_has_written(version: str, tmp_path: Path) -> None:
    found = loaded(version, tmp_path, BOOT)
    found.remove(Intent, ID)
    found.remove(Staged, ID)
    found.remove(Published, PUBLISHED.target)
    assert list(files(tmp_path / "state")) == ["boot"]
