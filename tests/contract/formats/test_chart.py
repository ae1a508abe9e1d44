"""Which values an older chart took: an upgrade gives them again (helm upgrade --reuse-values)."""

import pytest

from tests.contract.formats.golden import HERE, VERSIONS
from tools.chart.values import documented


@pytest.mark.parametrize("version", VERSIONS)
def test_every_value_of_an_older_chart_is_still_taken(version: str) -> None:
    values = (HERE / version / "chart-values.txt").read_text(encoding="utf-8").split()
    assert len(values) > 100
    assert set(values) <= {".".join(value.path) for value in documented()}
