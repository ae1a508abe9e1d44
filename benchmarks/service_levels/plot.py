"""Line charts as SVG, for the pages of figures: no library draws them, so that they are the same everywhere."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 190, 40, 50
COLORS = ("#0072b2", "#d55e00", "#009e73")  # told apart by everyone: Okabe and Ito
TICKS_LOG = (0.1, 1.0, 10.0, 100.0, 1000.0)
TICKS = 5


@dataclass(frozen=True)
class Chart:
    """What is drawn: a value for each label of the x axis, in each series."""

    title: str
    x_title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    log: bool = False

    def draw(self, path: Path) -> None:
        """Write the SVG file."""
        path.write_text("\n".join([*self._frame(), *self._axis(), *self._lines(), "</svg>", ""]), encoding="utf-8")

    @property
    def _highest(self) -> float:
        return max(max(values) for values in self.series.values())

    def _x(self, place: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / len(self.labels)

    def _y(self, value: float) -> float:
        lowest, highest = (TICKS_LOG[0], 10 ** math.ceil(math.log10(self._highest))) if self.log else (0, self._highest)
        part = math.log(value / lowest) / math.log(highest / lowest) if self.log else value / highest
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part

    def _frame(self) -> list[str]:
        box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img"'
        return [
            f'<svg xmlns="http://www.w3.org/2000/svg" {box}><title>{escape(self.title)}</title>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            _text(LEFT, TOP - 20, self.title),
            _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, self.x_title, "middle"),
            *(_text(self._x(place), HEIGHT - BOTTOM + 18, each, "middle") for place, each in enumerate(self.labels)),
        ]

    def _axis(self) -> list[str]:
        even = [self._highest * number / TICKS for number in range(TICKS + 1)]
        ticks = [each for each in TICKS_LOG if each <= 10 * self._highest] if self.log else even
        drawn = []
        for each in ticks:
            y = self._y(each)
            if y >= TOP:
                line = f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#ddd"/>'
                drawn += [line, _text(LEFT - 6, y + 4, f"{each:.3g}", "end")]
        return drawn

    def _lines(self) -> list[str]:
        drawn = []
        for number, (name, values) in enumerate(self.series.items()):
            color = COLORS[number % len(COLORS)]
            points = [(self._x(place), self._y(value)) for place, value in enumerate(values)]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            drawn.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
            drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
            drawn.append(_text(WIDTH - RIGHT + 12, TOP + 20 * number + 10, name, color=color))
        return drawn


def _text(x: float, y: float, words: str, anchor: str = "start", color: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(words)}</text>'
