"""What is for terminals alone."""

import io
import sys
from datetime import timedelta

import pytest

from kubectl_aiocsi.terminal import Terminal, ago, standard, terminal
from tests.unit.kubectl_aiocsi.api_server import NOW


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals_and_is_taken_away() -> None:
    screen, pipe = Screen(), io.StringIO()
    for shown in (terminal("auto", pipe, screen), terminal("auto", screen, pipe)):
        shown.step("reading pods")
        shown.done()
    assert screen.getvalue().endswith("\r\x1b[K")
    assert pipe.getvalue() == ""


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def coloured(shown: Terminal) -> bool:
        return "\x1b" in shown.paint("text", "red")

    assert coloured(terminal("auto", Screen(), io.StringIO()))
    assert not coloured(terminal("auto", io.StringIO(), io.StringIO()))
    assert not coloured(terminal("never", Screen(), io.StringIO()))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(terminal("auto", Screen(), io.StringIO()))
    assert coloured(terminal("always", io.StringIO(), io.StringIO()))


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0s"), (179, "179s"), (181, "3m"), (10801, "3h"), (172801, "2d"), (-5, "0s")]
)
def test_an_age_is_told_as_kubectl_tells_it(seconds: int, told: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == told
    assert ago(None, NOW) == ""


def test_a_stream_that_is_closed_or_has_not_every_letter_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    monkeypatch.setattr(sys, "stderr", None)
    shown = standard("auto")
    shown.line("caf\u00e9 \u2026")
    shown.step("reading")
    assert written.getvalue() == b"caf\\xe9 \\u2026\n"
