"""How a run is shown: a line a step in a lane each for cloud and nodes, its facts, and as a page."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from tools.walkthrough import story_page
from tools.walkthrough.display import Display, Done, Live, Plain
from tools.walkthrough.evidence import Happened, Ran, Request

VOLUME_ID = "6df41b2e-36cf-4744-8f61-12005868d6d1"
HAPPENED = Happened(
    (
        Request(1.0, "POST", "/v2/volumes", "", 0),
        Request(2.0, "GET", f"/v2/volumes/{VOLUME_ID}", "", 200),
        Request(3.0, "POST", "/v2/volumes", "", 201),
    ),
    (
        Ran(4.0, "node-a", ("blkid", "-p"), 2, 0.009),
        Ran(5.0, "node-a", ("mkfs.ext4", "[x]"), 0, 0.005),
        Ran(6.0, "node-b", ("umount", "/run/x/m"), 0, 0.001),
        Ran(7.0, "node-b", ("blkid", "-p"), 0, 0.001),
    ),
    ("1 2 7:0 / /run/x/m - ext4",),
)
DONE = Done("/run/x", "attach both", 0.25, HAPPENED, ("none was made twice", "/run/x/m is a directory"), "✗")
LINE = " 4 attach both                   2 changes, 1 look, 0.2 s   blank → mkfs.ext4         blkid → umount"
FACTS = (
    "POST /v2/volumes → no reply",
    "blkid -p → 2 (nothing found), 9 ms",
    "mkfs.ext4 [x] → 0, 5 ms",
    "7:0 / $RUN/m - ext4",
    "$RUN/m is a directory",
)


def play(display: Display) -> None:
    display.begin(4, DONE.title)
    display.end(4, DONE)


@pytest.mark.parametrize("facts", [False, True])
def test_a_pipe_gets_a_line_a_step_and_the_facts_that_are_asked_for(
    capsys: pytest.CaptureFixture[str], *, facts: bool
) -> None:
    play(Plain(facts=facts))
    output = capsys.readouterr().out
    assert output.splitlines()[:2] == [LINE, " ✗ none was made twice"]
    assert [fact for fact in FACTS if fact not in output] == ([] if facts else list(FACTS))


def test_a_terminal_shows_the_same_and_brackets_in_a_command_line_are_no_markup() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160, color_system=None)
    with Progress(console=console) as progress:
        play(Live(progress, 5, facts=True))
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    assert [fact for fact in (LINE, "✗ none was made twice", *FACTS) if fact not in output] == []
    assert "4 of 5: attach both" in output


def test_the_page_has_each_request_and_program_in_the_order_of_time_and_nothing_from_elsewhere() -> None:
    page = story_page.page([DONE], {VOLUME_ID: "<orders>"})
    texts = (
        "POST volumes → no reply",
        "GET volumes/&lt;orders&gt; → 200",
        "blank, 9 ms",
        "mkfs.ext4, 5 ms",
        "umount, 1 ms",
    )
    places = [page.index(text) for text in texts]
    assert places == sorted(places)
    assert page.count('class="lost"') == 1
    assert ("http" in page, "<orders>" in page, "<script" in page) == (False, False, False)
