"""Measure which lines and branches the tests of this process reach: ``pytest -p tools.measuring``.

Only pytest's own processes are measured, not the services that they start: what those take of memory is looked at, too.
Nor are hours of simulated time, which would last twice as long. The data goes where COVERAGE_FILE says, one file a
process; pyproject.toml says of what.
"""

from collections.abc import Generator

import coverage
import pytest

SIMULATIONS = ("tests/unit/benchmarks/", "tests/unit/faults/")

_measure = coverage.Coverage(data_suffix=True)
_measure.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Do not measure a simulation."""
    if not item.nodeid.startswith(SIMULATIONS):
        return (yield)
    _measure.stop()
    try:
        return (yield)
    finally:
        _measure.start()


def pytest_unconfigure() -> None:
    """Keep what was measured."""
    _measure.stop()
    _measure.save()
