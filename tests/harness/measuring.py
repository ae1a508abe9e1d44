"""Measure which lines and branches the tests of this process reach: ``pytest -p tests.harness.measuring``.

Only pytest's own processes are measured, not the services that they start: what those take of memory is looked at, too.
The data goes where COVERAGE_FILE says, one file a process; pyproject.toml says of what.
"""

import coverage

_measure = coverage.Coverage(data_suffix=True)
_measure.start()


def pytest_unconfigure() -> None:
    """Keep what was measured."""
    _measure.stop()
    _measure.save()
