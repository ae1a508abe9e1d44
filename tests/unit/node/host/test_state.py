"""What outlives the process."""

import json
import os
import shutil
from dataclasses import replace
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


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"volume_id": 1}', '{"unknown": 1}', "\0", '{"format": 2}'])
def test_a_file_that_cannot_be_read_is_no_record_and_is_set_aside(tmp_path: Path, text: str) -> None:
    state(tmp_path).write(STAGED)
    (tmp_path / "state/staged/id.json").write_text(text)
    for _ in range(2):
        assert state(tmp_path).all(Staged) == ()
    assert (tmp_path / "state/staged/id.json.unreadable").read_text() == text
    state(tmp_path).write(STAGED)
    assert state(tmp_path).all(Staged) == (STAGED,)


@pytest.mark.parametrize("field", ["volume_id", "flags", "read_only", "errors"])
def test_a_field_of_another_type_makes_a_file_unreadable(tmp_path: Path, field: str) -> None:
    path = tmp_path / "state/staged/id.json"
    state(tmp_path).write(STAGED)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: None}))
    assert state(tmp_path).all(Staged) == ()
    assert not path.exists()


def test_a_folder_has_one_owner_until_he_lets_go(tmp_path: Path) -> None:
    folder = tmp_path / "made/state"
    first = own(folder)
    with pytest.raises(BlockingIOError):
        own(folder)
    os.close(first)
    os.close(own(folder))


def test_a_field_of_a_newer_version_is_kept_when_the_record_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "state/staged/id.json"
    state(tmp_path).write(STAGED)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"invented": [1]}))
    again = state(tmp_path)
    assert again.read(Staged, "id") == STAGED
    again.write(replace(STAGED, to_grow=True))
    assert json.loads(path.read_text())["invented"] == [1]
    assert state(tmp_path).read(Staged, "id") == replace(STAGED, to_grow=True)


def test_a_file_carries_its_format(tmp_path: Path) -> None:
    state(tmp_path).write(INTENT)
    assert json.loads((tmp_path / "state/formats/id.json").read_text()) == {
        "format": 1,
        "volume_id": "id",
        "kind": "ext4",
        "size_bytes": 1 << 30,
        "boot": "boot-1",
        "sequence": "7",
    }


def test_a_record_without_a_format_or_a_later_field_is_read(tmp_path: Path) -> None:
    state(tmp_path)
    text = '{"volume_id": "id", "volume_name": "name", "path": "/staging", "number": "8:0", "kind": "ext4"}'
    (tmp_path / "state/staged/id.json").write_text(text)
    assert state(tmp_path).all(Staged) == (Staged("id", "name", "/staging", "8:0", "ext4"),)


def test_what_is_set_aside_is_taken_back_once_it_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "state/staged"
    state(tmp_path).write(STAGED)
    whole = (folder / "id.json").read_text()
    (folder / "id.json").write_text(whole.replace('"format": 1', '"format": 2'))
    assert state(tmp_path).all(Staged) == ()
    aside = folder / "id.json.unreadable"
    aside.write_text(whole)
    assert state(tmp_path).all(Staged) == (STAGED,)
    assert [path.name for path in folder.iterdir()] == ["id.json"]


def test_what_is_set_aside_never_replaces_a_newer_record(tmp_path: Path) -> None:
    folder = tmp_path / "state/staged"
    state(tmp_path).write(STAGED)
    (folder / "id.json.unreadable").write_text((folder / "id.json").read_text().replace("8:0", "8:16"))
    assert state(tmp_path).all(Staged) == (STAGED,)


@pytest.mark.parametrize("kept_first", [True, False], ids=["by the look after it", "by the next write"])
def test_a_directory_that_was_removed_is_made_again_with_all_records(tmp_path: Path, *, kept_first: bool) -> None:
    kept = state(tmp_path)
    kept.write(INTENT, sync=True)
    kept.write(STAGED)
    shutil.rmtree(tmp_path / "state")
    if kept_first:
        kept.keep()
    kept.write(PUBLISHED)
    again = state(tmp_path)
    assert (again.all(Intent), again.all(Staged), again.all(Published)) == ((INTENT,), (STAGED,), (PUBLISHED,))
    with pytest.raises(BlockingIOError):
        own(tmp_path / "state")


def blocked(path: Path) -> None:
    """Let unlink fail, as on a read-only disk: root may write anywhere else."""
    path.unlink()
    path.mkdir()


def test_a_volume_is_forgotten_though_its_record_stays_on_the_disk_and_a_begun_format_is_not(tmp_path: Path) -> None:
    kept = state(tmp_path)
    for record in (STAGED, INTENT):
        kept.write(record)
    blocked(tmp_path / "state/staged/id.json")
    kept.remove(Staged, "id")
    assert kept.all(Staged) == ()
    blocked(tmp_path / "state/formats/id.json")
    with pytest.raises(OSError, match=r"directory|not permitted"):
        kept.remove(Intent, "id")
    assert kept.all(Intent) == (INTENT,)


def test_a_begun_format_that_was_set_aside_is_not_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "state/formats"
    state(tmp_path).write(INTENT)
    (folder / "id.json").replace(folder / "id.json.unreadable")
    assert state(tmp_path).all(Intent) == ()


def test_a_directory_of_which_a_part_cannot_be_written_or_read_is_used_all_the_same(tmp_path: Path) -> None:
    state(tmp_path).write(STAGED)
    (tmp_path / "state/published").rmdir()
    (tmp_path / "state/published").write_text("in the way")
    (tmp_path / "state/staged/odd.json").mkdir()
    assert state(tmp_path).all(Staged) == (STAGED,)


def test_a_part_of_the_directory_that_was_removed_is_made_again_by_its_owner(tmp_path: Path) -> None:
    descriptor = own(tmp_path / "state")
    kept = state(tmp_path)
    kept.write(STAGED)
    shutil.rmtree(tmp_path / "state/staged")
    kept.keep()
    assert state(tmp_path).all(Staged) == (STAGED,)
    os.close(descriptor)
