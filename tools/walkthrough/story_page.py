"""The run as one page of HTML: a sequence diagram of its requests and programs. It needs no network and no script."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from tools.walkthrough.display import Done
from tools.walkthrough.evidence import Ran, Request

ROW = 22  # pixels
WIDTH = 1120
LANES = {"controller": 90, "cloud": 460, "node-a": 720, "node-b": 960}
NAMES = {"controller": "controller", "cloud": "cloud", "node-a": "node A", "node-b": "node B"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")
STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #14181f; --grey: #5b6573; --line: #d5dae1;
  --blue: #0b63ce; --red: #b42318; --green: #0f7b4f; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e1116; --card: #171b22; --ink: #e8ecf1; --grey: #9aa5b3;
  --line: #2a313b; --blue: #6cb0ff; --red: #ff8a7a; --green: #4cc38a; } }
body { background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 1160px; padding: 20px; }
figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0; overflow-x: auto;
  padding: 8px; }
svg { display: block; min-width: 1000px; width: 100%; }
text { fill: var(--ink); font: 12px ui-monospace, monospace; }
.lane { stroke: var(--line); }
.name, .step { font: 600 13px system-ui, sans-serif; }
.seconds { fill: var(--grey); font: 12px system-ui, sans-serif; }
.asked { stroke: var(--blue); }
.lost, .refused { stroke: var(--red); stroke-dasharray: 5 3; }
.ran { fill: none; stroke: var(--green); }
.broken { fill: var(--red); font: 600 13px system-ui, sans-serif; }
.kept { fill: var(--green); font: 600 13px system-ui, sans-serif; }
"""
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A run of aiocsi</title><style>{style}</style></head>
<body><h1>A run of aiocsi</h1>
<p>An arrow is a request to the cloud, from its own ledger. A box is a program that a node has run, from its log. Red is
what was broken on purpose, and how the driver kept its promise all the same.</p>
<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="Sequence diagram of the run">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0 8 4 0 8z" fill="context-stroke"/></marker></defs>
"""


def page(steps: Sequence[Done], names: Mapping[str, str]) -> str:
    """Return the page; ``names`` are those of the volumes, by id."""
    rows = [row for number, done in enumerate(steps, 1) for row in _rows(number, done, names)]
    height = (len(rows) + 3) * ROW
    lanes = "".join(
        f'<line class="lane" x1="{x}" x2="{x}" y1="{2 * ROW}" y2="{height}"/>'
        f'<text class="name" x="{x}" y="{ROW + 6}" text-anchor="middle">{NAMES[lane]}</text>'
        for lane, x in LANES.items()
    )
    drawn = "".join(row.replace("%y", str((at + 3) * ROW)) for at, row in enumerate(rows))
    return HEAD.format(style=STYLE, width=WIDTH, height=height) + lanes + drawn + "</svg></figure></body></html>\n"


def _rows(number: int, done: Done, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a step line by line; ``%y`` stands for its height."""
    yield (
        f'<text class="step" x="4" y="%y">{number} {escape(done.title)}'
        f'<tspan class="seconds"> {done.seconds:.1f} s</tspan></text>'
    )
    happened: list[Request | Ran] = [*done.happened.requests, *done.happened.programs]
    for each in sorted(happened, key=lambda one: one.at):
        yield _asked(each, names) if isinstance(each, Request) else _ran(each)
    if done.told:
        kind = "kept" if done.mark == "✓" else "broken"
        yield f'<text class="{kind}" x="4" y="%y">{escape(done.told.strip())}</text>'


def _asked(request: Request, names: Mapping[str, str]) -> str:
    path = UUID.sub(lambda found: names.get(found.group(), found.group()[:8]), request.path.removeprefix("/v2/"))
    kind = "lost" if request.status == 0 else "refused" if request.status >= 400 else "asked"
    said = escape(f"{request.method} {path} → {request.status or 'no reply'}")
    return (
        f'<text x="{LANES["controller"] + 8}" y="%y" dy="-3">{said}</text><line class="{kind}" marker-end="url(#tip)" '
        f'x1="{LANES["controller"]}" x2="{LANES["cloud"]}" y1="%y" y2="%y"/>'
    )


def _ran(ran: Ran) -> str:
    x, name = LANES[ran.node], escape(f"{ran.name}, {ran.seconds * 1000:.0f} ms")
    return (
        f'<rect class="ran" x="{x - 75}" y="%y" transform="translate(0 -16)" width="150" height="18" rx="4"/>'
        f'<text x="{x}" y="%y" dy="-3" text-anchor="middle">{name}<title>{escape(ran.line)}</title></text>'
    )
