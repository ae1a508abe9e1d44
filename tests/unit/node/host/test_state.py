"""What outlives the process."""

import os
from pathlib import Path

import pytest

from node.host.state import StateFolder, own
from node.records.state import Intent, Published, Staged

STAGED = Staged("id", "name", "/staging", "8:0", "ext4", ("noatime",))
PUBLISHED = Published("id", "/var/lib/kubelet/pods/x/" + "y" * 300, block=False, read_only=True)
INTENT = Intent("id", "ext4", 1 << 30, "boot-1", "7")


def state(folder: Path, boot: str = "boot-1") -> StateFolder:
    made = StateFolder(folder / "state")
    made.load(boot)
    return made


def test_records_outlive_the_process(tmp_path: Path) -> None:
    first = state(tmp_path)
    for record in (STAGED, PUBLISHED, INTENT):
        first.write(record, sync=True)
    again = state(tmp_path)
    assert again.read(Staged, "id") == STAGED
    assert again.read(Published, PUBLISHED.target) == PUBLISHED
    assert again.all(Intent) == (INTENT,)


def test_a_removed_record_is_gone(tmp_path: Path) -> None:
    first = state(tmp_path)
    first.write(STAGED)
    for _ in range(2):
        first.remove(Staged, "id")
    assert first.read(Staged, "id") is None
    assert state(tmp_path).all(Staged) == ()


def test_mounts_of_another_boot_are_forgotten_and_begun_formats_are_not(tmp_path: Path) -> None:
    first = state(tmp_path)
    for record in (STAGED, PUBLISHED, INTENT):
        first.write(record)
    booted = state(tmp_path, "boot-2")
    assert (booted.all(Staged), booted.all(Published), booted.all(Intent)) == ((), (), (INTENT,))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"volume_id": 1}', '{"unknown": 1}', "\0"])
def test_a_file_that_cannot_be_read_is_no_record(tmp_path: Path, text: str) -> None:
    state(tmp_path).write(STAGED)
    (tmp_path / "state/staged/id.json").write_text(text)
    assert state(tmp_path).all(Staged) == ()


def test_a_folder_has_one_owner_until_he_lets_go(tmp_path: Path) -> None:
    folder = tmp_path / "made/state"
    first = own(folder)
    with pytest.raises(BlockingIOError):
        own(folder)
    os.close(first)
    os.close(own(folder))
