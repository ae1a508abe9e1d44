import io

import pytest
from rich.console import Console
from rich.progress import Progress

from tools.walkthrough.display import Display, Done, Live, Plain
from tools.walkthrough.evidence import Happened

HAPPENED = Happened(("POST /v2/volumes → 201",), ("node-a: mkfs.ext4 [x] → 0, 5 ms",), ("1 2 7:0 / /run/x/m - ext4",))
DONE = Done("/run/x", "NodeStageVolume on node A", 0.25, HAPPENED, ("/run/x/m is a directory",))
FACTS = ("POST /v2/volumes → 201", "mkfs.ext4 [x] → 0, 5 ms", "7:0 / $RUN/m - ext4", "$RUN/m is a directory")


def play(display: Display) -> None:
    display.begin(1, DONE.title)
    display.end(1, DONE)
    display.table([DONE])


def test_plain_lines_hold_every_fact_and_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    play(Plain())
    output = capsys.readouterr().out
    assert [fact for fact in FACTS if fact not in output] == []
    assert output.splitlines()[0] == " 1. NodeStageVolume on node A (0.25 s)"
    assert output.splitlines()[-1].split() == ["NodeStageVolume", "on", "node", "A", "0.25", "1", "1", "1"]


def test_a_terminal_shows_every_fact_and_the_table() -> None:
    """Brackets in a command line are no markup."""
    console = Console(file=io.StringIO(), force_terminal=True, width=160, color_system=None)
    with Progress(console=console) as progress:
        play(Live(progress, 1))
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    assert [fact for fact in FACTS if fact not in output] == []
    assert "1 of 1: NodeStageVolume on node A" in output
    assert "API requests" in output
