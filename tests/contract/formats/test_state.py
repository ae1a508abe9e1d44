"""What one version leaves in the node's state directory."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from common import errors, settings
from node import wiring
from node.host.command import Commands, Ended
from node.host.devices import Device
from node.host.leftover_programs import LeftoverPrograms
from node.host.state import StateFolder
from node.records.kernel import Facts
from node.records.state import Intent, Published, Staged
from node.settings import NodeSettings
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


@READ
def test_a_record_that_a_version_has_set_aside_is_taken_back(version: str, tmp_path: Path) -> None:
    shutil.copytree(HERE / version / "state", tmp_path / "state")
    file = tmp_path / "state/staged" / f"{ID}.json"
    file.rename(f"{file}.unreadable")
    found = StateFolder(tmp_path / "state")
    found.load(BOOT)
    assert found.read(Staged, ID) == STAGED


class Recorder(Commands):
    """Runs nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[tuple[str, ...]] = []

    async def _execute(
        self, argv: tuple[str, ...], seconds: float, files: Sequence[int], stdin: bytes, *, writes: bool
    ) -> Ended:
        assert (seconds, files, stdin, writes) == (110.0, (7,), b"", True)
        self.ran.append(argv)
        return Ended(argv, 0, "", "")


def test_a_growth_that_an_older_version_has_begun_is_undone(tmp_path: Path) -> None:
    kept = tmp_path / "growths" / f"{ID}.e2undo"
    kept.parent.mkdir()
    kept.touch()
    commands = Recorder()
    chosen = settings.read(NodeSettings, [], "node", "tests", {"AIOCSI_STATE_DIR": str(tmp_path)})
    device = Device("/dev/sda", 7, Facts("sda", "8:0", 1))
    assert asyncio.run(wiring.unloaded_host(chosen, commands).filesystems.undo_growth(device, ID))
    assert commands.ran == [("e2undo", str(kept), "/proc/self/fd/7")]


def test_a_program_that_an_older_version_has_left_running_is_known(tmp_path: Path) -> None:
    process = tmp_path / "7"
    process.mkdir()
    (process / "environ").write_text("LC_ALL=C\0AIOCSI_PROGRAM_OF=/state\0")
    (process / "cmdline").write_text("umount\0-i\0/target\0")
    (process / "stat").write_text(f"7 (umount) S {' '.join(map(str, range(20)))}")
    with pytest.raises(errors.Unavailable, match=r"umount \(pid 7\), begun before a restart"):
        LeftoverPrograms("/state", tmp_path).check("/target")
