"""What one version writes into the header of an encrypted disk, and how it names the open one."""

import pytest

from node.rules import encryption
from tests.contract.formats.golden import VERSIONS, load, texts

READ = pytest.mark.parametrize("version", VERSIONS)


@READ
def test_a_header_names_its_volume_as_before(version: str) -> None:
    golden = load(version, "disk")
    for volume_id, label in texts(golden["labels"]).items():
        assert encryption.label(volume_id) == label


@READ
def test_a_header_says_as_before_whether_its_content_was_in_use(version: str) -> None:
    golden = load(version, "disk")
    assert golden["subsystem_while_new"] == encryption.NEW
    assert golden["subsystem_in_use"] == encryption.IN_USE
    assert golden["kind_of_intent"] == encryption.KIND


@READ
def test_an_open_disk_is_found_again(version: str) -> None:
    golden = load(version, "disk")
    mappers = texts(golden["mappers"])
    for volume_id, mapper in mappers.items():
        assert encryption.mapper_name(volume_id) == mapper
    assert encryption.is_ours(next(iter(mappers.values())), str(golden["mapper_uuid"]))
