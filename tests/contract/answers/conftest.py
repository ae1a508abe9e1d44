"""Prints the matrix at the end of the run, also if other processes have run its lines."""

import pytest

from tests.contract.answers.matrix import HEAD

PROPERTY = "answers"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    lines = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    if lines:
        terminalreporter.section("answers that are not the API's")
        terminalreporter.write_line("\n".join([HEAD, *map(str, lines)]))
