"""Pictures of the chart's dashboards, drawn from their JSON and from the recorded hour of the rules' tests.

Grafana itself is too large to build here. A curve is that of the metric that a panel's query names (of its growth, if
the query has a rate); a query of more than one metric, a quantile or a choice by label is not evaluated, and its panel
stays empty.
"""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

from tools.venv import ROOT

HOUR = ROOT / "tests/chart/healthy_hour.json"
FILES = tuple(sorted((ROOT / "charts/aiocsi/files").glob("dashboard-*.json")))
IMAGES = tuple(f"docs/images/{file.stem}.svg" for file in FILES)
UNIT, WIDTH, CURVES = 40, 960, 5
COLOURS = ("#3274d9", "#e0752d", "#299c46", "#8f3bb8", "#b7a100")
STYLE = (
    "text{font:11px sans-serif;fill:#464c54}.t{font-weight:600;fill:#1f2329}.v{font:600 24px sans-serif;fill:#299c46}"
)
_PLAIN = re.compile(r"(?:min|max)?\(?[a-z_]+\)?")  # a query whose value is that of its metric
_METRIC = re.compile(r"\baiocsi_[a-z_]+|\bprocess_[a-z_]+")


class Place(TypedDict):
    """Where a panel is, in a grid of 24 columns."""

    x: int
    y: int
    w: int
    h: int


class Target(TypedDict):
    """A query."""

    expr: str


class Panel(TypedDict):
    """What is drawn of a panel."""

    title: str
    type: str
    gridPos: Place
    targets: list[Target]


class Dashboard(TypedDict):
    """What is drawn of a dashboard."""

    title: str
    panels: list[Panel]


def make(folder: Path) -> None:
    """Write the pictures below ``folder``/docs/images."""
    hour: dict[str, str] = json.loads(HOUR.read_text())
    for file, image in zip(FILES, IMAGES, strict=True):
        path = folder / image
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(_picture(json.loads(file.read_text()), hour)) + "\n")


def _picture(dashboard: Dashboard, hour: dict[str, str]) -> Iterator[str]:
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    height = UNIT * max(place["y"] + place["h"] for place in places) + UNIT
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"><style>{STYLE}</style>'
    yield f'<rect width="{WIDTH}" height="{height}" fill="#f4f5f5"/>'
    yield f'<text class="t" x="12" y="25">{escape(dashboard["title"])}</text>'
    for panel in dashboard["panels"]:
        yield from _panel(panel, hour)
    yield "</svg>"


def _panel(panel: Panel, hour: dict[str, str]) -> Iterator[str]:
    place = panel["gridPos"]
    width, height = UNIT * place["w"] - 8, UNIT * place["h"] - 8
    yield f'<g transform="translate({UNIT * place["x"] + 4} {UNIT * (place["y"] + 1)})">'
    yield f'<rect width="{width}" height="{height}" rx="3" fill="#fff" stroke="#dce1e6"/>'
    yield f'<text class="t" x="8" y="17">{escape(panel["title"])}</text>'
    curves = [curve for target in panel["targets"] for curve in _curves(target["expr"], hour)][:CURVES]
    if panel["type"] == "stat":
        number = _last(curves) if _PLAIN.fullmatch(panel["targets"][0]["expr"]) and curves else "…"
        yield f'<text class="v" x="{width / 2:.0f}" y="{height / 2 + 16:.0f}" text-anchor="middle">{number}</text>'
    else:
        yield from _drawn(curves, width, height)
    yield "</g>"


def _curves(expr: str, hour: dict[str, str]) -> Iterator[list[float]]:
    names = set(_METRIC.findall(expr))
    if len(names) != 1 or "quantile" in expr or "!=" in expr:
        return
    (name,) = names
    for series, text in hour.items():
        if series.partition("{")[0] == name:
            values = [float(value) for value in text.split() if value != "_"]
            yield [later - earlier for earlier, later in pairwise(values)] if "rate(" in expr else values


def _last(curves: Sequence[Sequence[float]]) -> str:
    return f"{max(curve[-1] for curve in curves if curve):,.0f}"


def _drawn(curves: Sequence[Sequence[float]], w: int, h: int) -> Iterator[str]:
    drawn = [curve for curve in curves if len(curve) > 1]
    if not drawn:
        return
    top = max(max(curve) for curve in drawn) or 1
    for number, curve in enumerate(drawn):
        step = (w - 16) / (len(curve) - 1)
        points = " ".join(
            f"{8 + step * at:.0f},{h - 10 - (h - 45) * value / top:.0f}" for at, value in enumerate(curve)
        )
        yield f'<polyline points="{points}" fill="none" stroke="{COLOURS[number]}" stroke-width="1.5"/>'
    yield f'<text x="{w - 8}" y="17" text-anchor="end">to {top:.3g}</text>'
