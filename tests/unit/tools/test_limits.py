"""docs/reference/limits.md and what the code and the chart have."""

import re

import yaml

from common.settings import describe
from controller.settings import ControllerSettings
from node.settings import NodeSettings
from tools.chart import CHART
from tools.venv import ROOT

ROW = re.compile(r"^\| (.+) \| (.+) \| (`.+`) \|$", re.MULTILINE)


def test_each_limit_of_the_driver_is_the_default_of_its_setting() -> None:
    page = (ROOT / "docs/reference/limits.md").read_text().partition("## Of the driver")[2]
    defaults = {each.name: each.default for kind in (ControllerSettings, NodeSettings) for each in describe(kind)}
    rows = ROW.findall(page)
    assert len(rows) >= 9
    for what, limit, named in rows:
        numbers = {float(each) for each in re.findall(r"\d+", limit)}
        wanted = {float(defaults.get(each) or value(each)) for each in re.findall(r"`([\w.]+)`", named)}
        assert wanted <= numbers, what


def value(path: str) -> str:
    """Return a value of the chart."""
    found = yaml.safe_load((CHART / "values.yaml").read_text())
    for key in path.split("."):
        found = found[key]
    return str(found)
