"""The lock files: made from what pyproject.toml asks for, hashed, and bound to no index."""

import re

import pytest

from tools import lock

ALL = pytest.mark.parametrize("one", lock.LOCKS, ids=lambda one: one.name)


def test_the_lock_files_are_made_from_what_is_asked_for() -> None:
    assert lock.check() == []


@ALL
def test_a_lock_file_names_no_index_and_no_host(one: lock.Lock) -> None:
    text = one.file.read_text()
    assert re.findall(r"(?m)^-.*|\S*://\S*|\S*\.(?:org|com|io)\b", text) == []


@ALL
def test_every_locked_package_is_pinned_and_hashed(one: lock.Lock) -> None:
    entries = re.split(r"\n(?=\w)", one.file.read_text())[1:]
    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_a_version_is_the_same_in_every_lock_file() -> None:
    development = set(re.findall(r"(?m)^(\S+==\S+)", lock.DEV.file.read_text()))
    for one in lock.LOCKS:
        if one.with_project:
            assert set(re.findall(r"(?m)^(\S+==\S+)", one.file.read_text())) <= development, one.name
