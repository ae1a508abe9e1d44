"""Prints the matrix of answers at the end of the run; here, where a run whose tests are in other processes reads it."""

import pytest

from tests.contract.answers.matrix import HEAD, PROPERTY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    lines = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    if lines:
        terminalreporter.section("answers that are not the API's")
        terminalreporter.write_line("\n".join([HEAD, *map(str, lines)]))
