"""A volume that is staged at more than one path."""

from dataclasses import replace

from node.records.state import Staged

STAGED = Staged("id", "name", "/new", "8:0", "ext4", other_paths=("/old", "/older"))


def test_the_path_that_was_staged_last_is_the_first() -> None:
    assert STAGED.staged_at("/newest").paths == ("/newest", "/new", "/old", "/older")
    assert STAGED.staged_at("/old").paths == ("/old", "/new", "/older")  # again, and so never twice


def test_a_volume_stays_staged_until_its_last_path_is_unstaged() -> None:
    assert STAGED.without("/new") == replace(STAGED, path="/old", other_paths=("/older",))
    assert STAGED.without("/old") == replace(STAGED, other_paths=("/older",))
    assert replace(STAGED, other_paths=()).without("/new") is None


def test_unstaging_a_path_that_is_not_one_of_them_changes_nothing() -> None:
    assert STAGED.without("/elsewhere") == STAGED
