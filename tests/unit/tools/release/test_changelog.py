"""The changelog of a release."""

import pytest

from tools.release import NotReleased, changelog

BEFORE = """\
# Changelog

## Unreleased

Added: a thing.
Fixed: another.

## 0.1.0 (2026-01-02)

First.
"""


def test_what_was_unreleased_stands_below_the_version_and_its_day() -> None:
    cut = changelog.cut(BEFORE, "0.2.0", "2026-03-04")
    assert "## Unreleased\n\n## 0.2.0 (2026-03-04)\n\nAdded: a thing.\n" in cut
    assert changelog.is_cut(cut, "0.2.0")
    assert not changelog.is_cut(BEFORE, "0.2.0")


def test_a_changelog_without_unreleased_entries_is_refused() -> None:
    cut = changelog.cut(BEFORE, "0.2.0", "2026-03-04")
    with pytest.raises(NotReleased, match="nothing to release"):
        changelog.cut(cut, "0.3.0", "2026-05-06")


def test_the_notes_of_a_version_are_its_entries_alone() -> None:
    cut = changelog.cut(BEFORE, "0.2.0", "2026-03-04")
    assert changelog.notes(cut, "0.2.0") == "Added: a thing.\nFixed: another.\n"
    assert changelog.notes(cut, "0.1.0") == "First.\n"


def test_a_version_that_begins_like_another_is_not_taken_for_it() -> None:
    with pytest.raises(NotReleased, match=r"0\.1"):
        changelog.notes(BEFORE, "0.1")
