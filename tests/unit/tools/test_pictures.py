"""The pictures of the documentation: what a source may say, and that nothing lies outside of the frame."""

import re

import pytest

from tools import pictures

SEQUENCE = "A title\nlanes: one | two\none > two: asks\n!two: refuses, and says at some length why it does\n"
GRAPH = "A title\none @ 0 0: first\ntwo @ 1 1: second / line\n!one > two: <because>\n"


@pytest.mark.parametrize("source", [SEQUENCE, GRAPH, *(path.read_text() for path in pictures.SOURCES)])
def test_every_box_lies_inside_of_the_picture(source: str) -> None:
    svg = pictures.drawn(source)
    width, height = map(float, re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
    boxes = re.findall(r'<rect class="box[^"]*" x="(-?\d+)" y="(-?\d+)" width="(\d+)" height="(\d+)"', svg)
    assert boxes
    assert all(int(x) >= 0 and int(x) + int(w) <= width and int(y) + int(h) <= height for x, y, w, h in boxes)


def test_what_is_of_a_failure_is_red_and_text_is_escaped() -> None:
    assert 'class="arrow bad"' in pictures.drawn(GRAPH)
    assert "&lt;because&gt;" in pictures.drawn(GRAPH)
    assert 'class="box in bad"' in pictures.drawn(SEQUENCE)


@pytest.mark.parametrize("line", ["one two three", "one > two"])
@pytest.mark.parametrize("source", [SEQUENCE, GRAPH], ids=["sequence", "graph"])
def test_a_line_that_is_neither_arrow_nor_box_is_refused(source: str, line: str) -> None:
    with pytest.raises(ValueError, match="neither an arrow nor a box"):
        pictures.drawn(source + line)


def test_an_arrow_to_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(KeyError, match="three"):
        pictures.drawn(f"{GRAPH}one > three: x")
