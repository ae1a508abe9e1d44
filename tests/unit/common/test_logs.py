"""Every line of the log has one form, and no secret in it."""

import ast
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from common import logs, redaction
from tests.unit.common.captured import captured

ROOT = Path(__file__).parents[3]
TOKEN = "dop_v1_0123456789"  # noqa: S105  # a made-up one


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    redaction.register(TOKEN)
    yield
    redaction.forget(TOKEN)


def leak() -> None:
    log = structlog.get_logger()
    log.info("told", header=f"Bearer {TOKEN}", nested={"deep": [TOKEN]})
    try:
        os.environ[TOKEN]
    except KeyError:
        log.exception("failed")
        logging.getLogger("library").exception("failed with %s", TOKEN)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_secret_that_reaches_a_log_call_is_blanked(log_format: str) -> None:
    with captured("debug", log_format) as log:
        leak()
    assert TOKEN not in log.text
    assert log.text.count("***") >= 5
    assert log.text.count("Traceback") == 2


def test_a_librarys_line_has_the_form_of_ours() -> None:
    with captured() as log:
        logging.getLogger("library").warning("odd: %d", 5)
    (line,) = log.lines("odd: 5")
    assert (line["level"], line["logger"]) == ("warning", "library")
    assert "timestamp" in line


def test_what_a_library_tells_below_warning_is_left_out() -> None:
    with captured("debug") as log:
        logging.getLogger("library").info("chatter")
    assert not log.text


def test_lines_below_the_level_are_left_out() -> None:
    with captured("warning") as log:
        structlog.get_logger().info("quiet")
        structlog.get_logger().warning("loud")
        logging.getLogger("library").warning("loud")
    assert len(log.text.splitlines()) == 2


def test_what_is_bound_to_a_call_is_in_its_lines() -> None:
    with captured() as log, structlog.contextvars.bound_contextvars(request_id="r"):
        structlog.get_logger().info("told")
        logging.getLogger("library").warning("told")
    assert [line["request_id"] for line in log.lines("told")] == ["r", "r"]


def test_the_log_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with captured() as log:
        logs.configure("json", "info")
        structlog.get_logger().info("told")
    assert not log.text
    out, err = capsys.readouterr()
    assert (out, "told" in err) == ("", True)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_a_terminal_obeys_is_shown_and_not_sent(log_format: str) -> None:
    with captured("info", log_format) as log:
        structlog.get_logger().info("told", label="\x1b[2J\udcff", nested={"deep\x07": ["\x9b"]})
        logging.getLogger("library").warning("odd \x1b]0;title\x07")
    shown = log.text.replace("\\\\", "\\")  # JSON doubles a backslash
    assert r"\x1b[2J\xff" in shown
    assert r"\x9b" in shown
    assert r"odd \x1b]0;title\x07" in shown
    assert not set(log.text) & set("\x1b\x07\x9b\udcff")


def test_a_traceback_keeps_its_lines() -> None:
    with captured() as log:
        try:
            os.environ["\x1b"]
        except KeyError:
            structlog.get_logger().exception("failed", error="\x1b")
    (line,) = log.lines("failed")
    lines = str(line["exception"]).splitlines()
    assert (lines[0], lines[-1], line["error"]) == ("Traceback (most recent call last):", r"KeyError: '\x1b'", r"\x1b")


@pytest.mark.parametrize("package", ["common", "controller", "node"])
def test_a_fact_has_the_same_field_in_every_line(package: str) -> None:
    """``message`` and ``remedy`` tell what is wrong, ``volume_id`` of which volume."""
    calls = [
        (path.name, node.lineno, {keyword.arg for keyword in node.keywords})
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
    ]
    assert len(calls) > 5
    assert [each for each in calls if each[2] & {"error", "reason", "volume", "hint"}] == []


def test_the_keys_of_a_line_have_one_order() -> None:
    with captured() as log:
        structlog.get_logger().warning("told", remedy="r", zone="z", code="OK", volume_id="v", message="m", method="x")
    (line,) = log.lines("told")
    assert list(line) == ["timestamp", "level", "event", "method", "code", "volume_id", "message", "remedy", "zone"]
