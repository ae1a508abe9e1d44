"""A rollback: today's code meets what a newer release has written, with one field more in each format; and back."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from common import encryption as parameters
from common import errors
from controller.digitalocean import origins
from controller.records import Source
from controller.rules import pages, sealed_context
from node.formats import luks_header, record_json
from node.host.state import StateFolder
from node.records.kernel import Facts
from node.records.probes import Probe, Signature
from node.records.requests import VolumeSpec
from node.records.state import Intent, Published, Staged
from node.requests import Requests
from node.rules import encryption
from tests.contract.formats.golden import HERE, NEWEST, Json, load, texts
from tests.contract.formats.test_cloud import source
from tests.contract.formats.test_contexts import stage, volume
from tests.contract.formats.test_state import BOOT, ID, INTENT, PUBLISHED, STAGED
from tests.harness import luks

FIELD = {"next": "of the next release"}
RECORDS = [pytest.param(record, id=type(record).__name__) for record in (INTENT, STAGED, PUBLISHED)]


@dataclass(frozen=True)
class NextStaged(Staged):
    """The record as the next release knows it."""

    next: str = "not told"


def written_by_the_next_release(folder: Path) -> Path:
    """Return a state directory as the next release leaves it: one field more in each record, and one kind more."""
    state = folder / "state"
    shutil.copytree(HERE / NEWEST / "state", state)
    for path in state.rglob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | FIELD))
    (state / "next").mkdir()
    (state / "next" / f"{ID}.json").write_text(json.dumps(FIELD))
    return state


def contents(state: Path) -> dict[str, Json]:
    return {str(path.relative_to(state)): json.loads(path.read_text()) for path in state.rglob("*.json")}


def rolled_back(state: Path) -> StateFolder:
    found = StateFolder(state)
    found.load(BOOT)
    return found


def test_today_reads_the_records_of_the_next_release_and_keeps_them(tmp_path: Path) -> None:
    state = written_by_the_next_release(tmp_path)
    before = contents(state)
    found = rolled_back(state)
    assert (found.all(Intent), found.all(Staged), found.all(Published)) == ((INTENT,), (STAGED,), (PUBLISHED,))
    assert contents(state) == before


@pytest.mark.parametrize("record", RECORDS)
def test_what_today_writes_again_keeps_the_field_of_the_next_release(record: record_json.Entry, tmp_path: Path) -> None:
    state = written_by_the_next_release(tmp_path)
    before = contents(state)
    rolled_back(state).write(record)
    assert contents(state) == before


def test_a_directory_that_was_removed_is_made_again_with_the_fields_of_the_next_release(tmp_path: Path) -> None:
    state = written_by_the_next_release(tmp_path)
    before = {name: record for name, record in contents(state).items() if not name.startswith("next")}
    found = rolled_back(state)
    shutil.rmtree(state)
    found.make_again()
    assert contents(state) == before


def test_after_a_rollback_and_an_upgrade_the_next_release_has_its_field_again(tmp_path: Path) -> None:
    state = written_by_the_next_release(tmp_path)
    rolled_back(state).write(replace(STAGED, errors=3))
    text = (state / "staged" / f"{ID}.json").read_text()
    record, unknown = record_json.parse(NextStaged, text)
    assert (record.errors, record.next, unknown) == (3, FIELD["next"], {})


def test_the_next_release_reads_what_today_has_written() -> None:
    record, unknown = record_json.parse(NextStaged, record_json.render(STAGED, {}))
    assert (record.next, unknown) == ("not told", {})
    assert record.volume_id == ID


def test_a_record_that_only_the_next_release_can_read_is_set_aside_and_comes_back(tmp_path: Path) -> None:
    state = written_by_the_next_release(tmp_path)
    path = state / "published" / next(iter((state / "published").iterdir())).name
    text = path.read_text()
    path.write_text(text.replace('"format": 1', '"format": 2'))
    assert rolled_back(state).all(Published) == ()
    [aside] = (state / "published").iterdir()
    assert aside.read_text() == text.replace('"format": 1', '"format": 2')
    aside.write_text(text)  # for a release that reads it
    assert rolled_back(state).all(Published) == (PUBLISHED,)
    assert json.loads(path.read_text()) == json.loads(text)


@pytest.mark.parametrize("of", ["blank_volume", "copy"])
def test_the_node_reads_the_contexts_of_the_next_release_as_its_own(of: str) -> None:
    golden = load(NEWEST, "contexts")
    context = texts(golden[f"volume_context_of_a_{of}"]) | texts(golden["parameters"])
    driver = str(golden["driver"])
    more: dict[str, Json] = {**texts(golden["publish_context"]), f"{driver}/next": "1"}
    reader = Requests(driver)
    told = reader.stage(
        stage(golden | {"publish_context": more}, context | {f"{driver}/volume-next": "1", "next": "1"})
    )
    assert told == reader.stage(stage(golden, context))


def test_the_controller_believes_the_seal_of_a_context_with_a_field_more() -> None:
    golden = load(NEWEST, "contexts")
    context, driver = texts(golden["volume_context_of_a_copy"]), str(golden["driver"])
    known = sealed_context.read(volume(golden).id, context, driver)
    assert known is not None
    assert sealed_context.read(volume(golden).id, context | {f"{driver}/volume-next": "1"}, driver) == known


def described() -> list[tuple[str, Source | None]]:
    told = load(NEWEST, "cloud")["descriptions"]
    assert isinstance(told, dict)
    return [(text, source(made_of)) for text, made_of in told.items()]


@pytest.mark.parametrize(("text", "made_of"), described())
def test_what_a_volume_was_made_of_is_read_in_front_of_what_the_next_release_adds(
    text: str, made_of: Source | None
) -> None:
    assert origins.read(f"{text}, next 1") == made_of


def test_a_list_that_the_next_release_began_is_begun_again() -> None:
    with pytest.raises(errors.StaleToken):
        pages.after("v2.1764356400.250000.7940e7f5-c368-430c-981a-7f56348a24c7.next")


LOCKED = luks_header.parse(luks.area(luks.metadata(), label=ID, subsystem=encryption.IN_USE))
NEXT_HEADERS = [
    pytest.param({"subsystem": f"{encryption.NEW} next"}, id="subsystem"),
    pytest.param({"label": f"{ID} next"}, id="label"),
    pytest.param({"tokens": ("aiocsi-next",)}, id="token"),
]


@pytest.mark.parametrize("field", NEXT_HEADERS)
def test_an_encrypted_disk_of_which_the_next_release_says_more_is_refused_and_never_formatted(
    field: dict[str, object],
) -> None:
    assert LOCKED is not None
    header = replace(LOCKED, **field)  # type: ignore[arg-type]  # one field
    volume = VolumeSpec(ID, "pvc-0f9d", encryption=parameters.parse({"encryption": "luks2"}))
    probe = Probe(Facts("sda", "8:0", 1 << 30), Signature("crypto_LUKS", "crypto"), header=header)
    with pytest.raises(errors.FailedPrecondition):
        encryption.decide(volume, probe, replace(INTENT, kind=encryption.KIND, size_bytes=1 << 30), BOOT)
