"""What one version leaves in the cloud, and another has to find again: descriptions, names, tags, tokens of lists."""

import pytest

from controller.cloud.records import Snapshot
from controller.digitalocean import origins
from controller.digitalocean.limits import TRAITS
from controller.records import BLANK, Source
from controller.rules import labels, names, pages, temporary_snapshot
from tests.contract.formats.golden import NEWEST, VERSIONS, Json, load, texts

READ = pytest.mark.parametrize("version", VERSIONS)


def source(told: Json) -> Source | None:
    return None if told is None else Source(**texts(told))


@READ
def test_the_origin_of_a_volume_of_every_version_is_read(version: str) -> None:
    told = load(version, "cloud")["descriptions"]
    assert isinstance(told, dict)
    assert {text: origins.read(text) for text in told} == {text: source(made_of) for text, made_of in told.items()}


def test_origins_are_written_as_before() -> None:
    told = load(NEWEST, "cloud")["descriptions"]
    assert isinstance(told, dict)
    known = {text: made_of for text, made_of in told.items() if made_of is not None}
    assert [origins.describe(source(made_of) or BLANK) for made_of in known.values()] == list(known)


@READ
def test_a_name_becomes_what_it_became_in_every_version(version: str) -> None:
    golden = load(version, "cloud")
    for name, known_as in texts(golden["names"]).items():
        assert names.cloud_name(name, "volume", TRAITS.names) == known_as
    for name, known_as in texts(golden["snapshot_names"]).items():
        assert names.cloud_name(name, "snapshot", TRAITS.names, temporary_snapshot.PREFIX) == known_as


@READ
def test_the_temporary_snapshot_of_a_clone_is_found_again(version: str) -> None:
    golden = load(version, "cloud")
    label = str(golden["temporary_snapshot_label"])
    for volume, snapshot in texts(golden["temporary_snapshots"]).items():
        assert temporary_snapshot.name_of(volume) == snapshot
        assert temporary_snapshot.is_temporary(Snapshot("id", snapshot, "v", 1 << 30, ("nyc1",), 0.0, (label,)))
    assert label == temporary_snapshot.LABEL


@READ
def test_tags_are_filled_as_before(version: str) -> None:
    golden = load(version, "cloud")
    tags, parameters = golden["tags"], texts(golden["tag_parameters"])
    assert isinstance(tags, dict)
    for template, filled in tags.items():
        assert list(labels.parse(template, TRAITS.labels, parameters)) == filled


@READ
def test_a_list_that_one_version_began_goes_on_in_another(version: str) -> None:
    tokens = load(version, "cloud")["page_tokens"]
    assert isinstance(tokens, dict)
    for token, place in tokens.items():
        assert list(pages.after(token)) == place
        assert pages.token(pages.after(token)) == token
