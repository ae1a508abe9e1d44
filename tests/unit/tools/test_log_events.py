"""Every event of the logs is told of, and nothing else."""

from pathlib import Path

import pytest

from tools import log_events
from tools.log_events import LogEvent


def test_every_event_has_a_meaning_and_every_meaning_an_event() -> None:
    assert log_events.problems(log_events.found(), log_events.MEANINGS) == []


def test_a_meaning_is_a_sentence() -> None:
    assert [text for text in log_events.MEANINGS.values() if not text.endswith((".", ")."))] == []


def test_an_event_without_a_meaning_and_a_meaning_without_an_event_are_found() -> None:
    assert log_events.problems({"new": LogEvent("new")}, {"gone": "It went."}) == [
        "the log event new has no meaning in tools/log_events.py",
        "no code writes the log event gone of tools/log_events.py",
    ]


def test_an_event_is_read_with_its_level_and_fields(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "module.py").write_text(
        'log.info("a" if x else "b", volume_id=1)\nself._log.error("a", path=2)\n'
    )
    assert log_events.found(tmp_path) == {
        "a": LogEvent("a", {"node"}, {"info", "error"}, {"volume_id", "path"}),
        "b": LogEvent("b", {"node"}, {"info"}, {"volume_id"}),
    }


def test_an_event_that_is_not_written_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "module.py").write_text("log.info(name)\n")
    with pytest.raises(TypeError, match="line 1 is not a constant: name"):
        log_events.found(tmp_path)
