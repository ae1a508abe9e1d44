"""Records of the state directory, written by this version and by others."""

import json

import pytest

from node.formats import record_json
from node.records.state import Intent, Staged

STAGED = Staged("id", "name", "/path", "8:0", "ext4", flags=("noatime",), other_paths=("/old",))


def written(**fields: object) -> str:
    return json.dumps(json.loads(record_json.render(STAGED, {})) | fields)


def test_a_record_is_read_as_it_was_written() -> None:
    assert record_json.parse(Staged, record_json.render(STAGED, {})) == (STAGED, {})


def test_what_a_newer_version_has_added_is_kept() -> None:
    record, unknown = record_json.parse(Staged, written(color="blue"))
    assert (record, unknown) == (STAGED, {"color": "blue"})
    assert json.loads(record_json.render(record, unknown)) == json.loads(written(color="blue"))


def test_what_an_older_version_did_not_write_has_its_default() -> None:
    old = {"volume_id": "id", "volume_name": "name", "path": "/path", "number": "8:0", "kind": "ext4"}
    assert record_json.parse(Staged, json.dumps(old)) == (Staged("id", "name", "/path", "8:0", "ext4"), {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "Expecting value", id="empty"),
        pytest.param("[" * 200_000, "nested too deeply", id="nested"),
        pytest.param("[]", "not a JSON object", id="a list"),
        pytest.param(written(format=2), "another version", id="of a format to come"),
        pytest.param(written(number=8), "number is 8", id="a number for a text"),
        pytest.param(written(read_only=1), "read_only is 1", id="a number for a truth"),
        pytest.param(written(errors=True), "errors is True", id="a truth for a number"),
        pytest.param(written(flags="noatime"), "flags is 'noatime'", id="a text for a list"),
        pytest.param(written(flags=[1]), "flags is", id="a list of numbers"),
        pytest.param('{"volume_id": "id"}', "a field is missing", id="without a field that decides"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        record_json.parse(Staged, text)


def test_a_record_of_another_kind_is_not_taken_for_this_one() -> None:
    intent = Intent(volume_id="id", kind="ext4", size_bytes=1, boot="boot", sequence="7")
    with pytest.raises(ValueError, match="a field is missing"):
        record_json.parse(Staged, record_json.render(intent, {}))
