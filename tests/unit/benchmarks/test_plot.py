from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.service_levels.plot import HEIGHT, TOP, WIDTH, Chart


@pytest.mark.parametrize("log", [False, True])
def test_a_chart_is_svg_with_a_line_for_each_series_inside_its_frame(log: bool, tmp_path: Path) -> None:
    chart = Chart("Seconds < 1", "at once", ["1", "30"], {"steady": [0.5, 20.0], "slow": [3.0, 70.0]}, log=log)
    chart.draw(tmp_path / "chart.svg")
    drawn = ET.parse(tmp_path / "chart.svg").getroot()  # noqa: S314 (our own file)
    lines = [each.attrib["points"] for each in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    points = [tuple(map(float, each.split(","))) for line in lines for each in line.split()]
    assert len(lines) == 2
    assert all(0 < x < WIDTH and TOP <= y < HEIGHT for x, y in points)
