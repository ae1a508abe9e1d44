"""What is said of the node in files, or that nobody says it."""

from pathlib import Path

from node.host.pod_facts import DRAINING, MAX_VOLUMES, told


def test_what_a_file_says_is_told_without_the_space_around_it(tmp_path: Path) -> None:
    (tmp_path / MAX_VOLUMES).write_text(" 7\n")
    assert told(tmp_path, MAX_VOLUMES) == "7"


def test_what_nobody_says_or_can_be_read_is_told_as_nothing(tmp_path: Path) -> None:
    (tmp_path / MAX_VOLUMES).write_bytes(b"\xff")
    assert [told(None, DRAINING), told(tmp_path, DRAINING), told(tmp_path, MAX_VOLUMES)] == [""] * 3
