"""The pictures of the documentation, drawn from a few words each: sequences (who asks whom) and graphs (boxes, arrows).

A sequence has a line for each arrow, ``from > to: what``, or for a box, ``lane: what``; with ``!`` before it, it is one
of a failure. A graph has ``name @ column row: what`` for a box, and ``name > name: what`` for an arrow.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from tools.venv import ROOT

SOURCES = tuple(sorted((ROOT / "docs" / "images" / "sources").glob("*.txt")))
IMAGES = tuple(f"docs/images/{source.stem}.svg" for source in SOURCES)
LANE, ROW, HEAD, MARGIN = 168, 34, 56, 16  # of a sequence, pixels
COLUMN, LINE, LETTER = 196, 17, 7.0  # of a graph; and the width of a letter, about
_ARROW = re.compile(r"(!?)([\w ,/-]+?) > ([\w ,/-]+): (.*)")
_BOX = re.compile(r"(!?)([\w ,/-]+?)(?: @ ([\d.]+) ([\d.]+))?: (.*)")
STYLE = """svg{--card:#fff;--ink:#14181f;--line:#c3cad4;--box:#eef3fb;--blue:#0b63ce;--red:#b42318}
@media(prefers-color-scheme:dark){svg{--card:#171b22;--ink:#e8ecf1;--line:#3a4350;--box:#1f2937;--blue:#6cb0ff;
--red:#ff8a7a}}
.card{fill:var(--card)}.box{fill:var(--box);stroke:var(--line)}.lane{stroke:var(--line)}text{fill:var(--ink);
font:12.5px system-ui,sans-serif;paint-order:stroke;stroke:var(--card);stroke-width:4px}.in{stroke:none}
.name{font-weight:600;stroke:none}rect.in,rect.name{stroke:var(--line)}.arrow{fill:none;stroke:var(--blue);stroke-width:1.4}
.bad{stroke:var(--red)}text.bad{fill:var(--red);stroke:var(--card)}rect.bad{fill:var(--card)}"""
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" \
aria-label="{title}"><title>{title}</title>
<style>{style}</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
<path d="M0 0 8 4 0 8z" fill="context-stroke"/></marker></defs>
<rect class="card" width="{width:.0f}" height="{height:.0f}" rx="10"/>
{drawn}
</svg>
"""

Point = tuple[float, float]


def make(folder: Path) -> None:
    """Draw all of them below ``folder``."""
    for source, image in zip(SOURCES, IMAGES, strict=True):
        target = folder / image
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(drawn(source.read_text(encoding="utf-8")), encoding="utf-8")


def drawn(source: str) -> str:
    """Return the picture as SVG. Its first line is the title, that of a sequence followed by ``lanes: one | two``.

    Raises ValueError for a line that is neither an arrow nor a box, KeyError for a name that nothing has.
    """
    title, *lines = filter(None, source.splitlines())
    lanes, kind = lines[0].partition(": ")[::2][::-1]
    (width, height), marks = _sequence(lanes.split(" | "), lines[1:]) if kind == "lanes" else _graph(lines)
    return FRAME.format(width=width, height=height, title=escape(title), style=STYLE, drawn="\n".join(marks))


def _sequence(lanes: Sequence[str], lines: Sequence[str]) -> tuple[Point, list[str]]:
    size = len(lanes) * LANE + 2 * MARGIN, HEAD + (len(lines) + 1) * ROW
    at = {lane: MARGIN + (number + 0.5) * LANE for number, lane in enumerate(lanes)}
    lane_line = '<line class="lane" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
    marks = [lane_line.format(x, HEAD - 16, size[1] - MARGIN) for x in at.values()]
    marks += [_box((x, 28), [lane], LANE - 20, "name") for lane, x in at.items()]
    for number, line in enumerate(lines):
        y = HEAD + (number + 0.7) * ROW
        if arrow := _ARROW.fullmatch(line):
            marks.append(_arrow((at[arrow[2]], y), (at[arrow[3]], y), arrow[4], bad=bool(arrow[1])))
        elif box := _BOX.fullmatch(line):
            wide = len(box[5]) * LETTER + 12
            x = min(max(at[box[2]], wide / 2 + 4), size[0] - wide / 2 - 4)
            marks.append(_box((x, y - 4), [box[5]], wide, "in bad" if box[1] else "in"))
        else:
            raise ValueError(f"neither an arrow nor a box: {line!r}")
    return size, marks


def _graph(lines: Sequence[str]) -> tuple[Point, list[str]]:
    boxes = [found for found in map(_BOX.fullmatch, lines) if found and found[3]]
    places = {found[2]: (float(found[3]), float(found[4])) for found in boxes}
    texts = {found[2]: [found[2], *found[5].split(" / ")] for found in boxes}
    middle = {name: (MARGIN + (x + 0.5) * COLUMN, MARGIN + 4 * LINE * (y + 0.5)) for name, (x, y) in places.items()}
    right, low = (max(place[axis] for place in places.values()) + 1 for axis in (0, 1))
    size = right * COLUMN + 2 * MARGIN, low * 4 * LINE + 2 * MARGIN + LINE
    return size, [
        *_arrows(lines, middle, texts),
        *(_box(middle[name], texts[name], _wide(texts[name])) for name in texts),
    ]


def _arrows(lines: Sequence[str], middle: Mapping[str, Point], texts: Mapping[str, list[str]]) -> Iterator[str]:
    for line in lines:
        if arrow := _ARROW.fullmatch(line):
            start, end = arrow[2], arrow[3]
            edges = (_edge(middle[start], middle[end], texts[start]), _edge(middle[end], middle[start], texts[end]))
            yield _arrow(*edges, arrow[4], bad=bool(arrow[1]))
        elif not _BOX.fullmatch(line):
            raise ValueError(f"neither an arrow nor a box: {line!r}")


def _wide(texts: Sequence[str]) -> float:
    return max([COLUMN - 70.0, *(len(text) * LETTER + 12 for text in texts[1:])])


def _edge(middle: Point, other: Point, texts: Sequence[str]) -> Point:
    """Return where the line from the middle of a box to another one leaves it."""
    across, down = other[0] - middle[0], other[1] - middle[1]
    wide, high = _wide(texts) / 2 + 2, len(texts) * LINE / 2 + 8
    part = min(wide / abs(across) if across else 9.0, high / abs(down) if down else 9.0)
    return middle[0] + across * part, middle[1] + down * part


def _arrow(start: Point, end: Point, what: str, *, bad: bool) -> str:
    kind, (x, y), (to_x, to_y) = " bad" if bad else "", start, end
    line = (
        f'<line class="arrow{kind}" marker-end="url(#tip)" x1="{x:.0f}" y1="{y:.0f}" x2="{to_x:.0f}" y2="{to_y:.0f}"/>'
    )
    above = (y + to_y) / 2 - (5 if abs(y - to_y) < LINE else -4)
    place = f'x="{(x + to_x) / 2:.0f}" y="{above:.0f}" text-anchor="middle"'
    return f'{line}<text class="what{kind}" {place}>{escape(what)}</text>'


def _box(middle: Point, texts: Sequence[str], width: float, kind: str = "in") -> str:
    """Draw a box with lines of text; of several, the first is a name."""
    high = len(texts) * LINE + 8
    left, top = middle[0] - width / 2, middle[1] - high / 2
    frame = f'<rect class="box {kind}" x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{high}" rx="6"/>'
    kinds = ["name" if len(texts) > 1 else kind, *["in"] * (len(texts) - 1)]
    rows = (
        f'<text class="{one}" x="{middle[0]:.0f}" y="{top + LINE * row:.0f}" text-anchor="middle">{escape(text)}</text>'
        for row, (one, text) in enumerate(zip(kinds, texts, strict=True), 1)
    )
    return frame + "".join(rows)
