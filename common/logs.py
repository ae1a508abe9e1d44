"""Structured logs on stderr, JSON or for reading; the libraries' own logs go the same way.

Every line passes ``redaction``, so a secret that reaches a log call by accident is blanked, and ``printable``. What
an operator looks for comes first, in the order of ``FIRST``.
"""

import logging
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from common import call_log, redaction
from common.printable import printable, printable_lines

FORMATS = ("json", "console")
LEVELS = ("debug", "info", "warning", "error")
FIRST = (
    "timestamp",
    "level",
    "event",
    "method",
    "code",
    "outcome",
    "error_class",
    "error_code",
    "volume_id",
    "volume_name",
    "message",
    "remedy",
)
SEVERAL_LINES = "exception"  # a traceback


def configure(log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers to ``stream`` (stderr), at ``level`` and above."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        call_log.add_volume,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _blank_secrets,
        _make_printable,
        _order,
    ]
    renderer = (
        structlog.processors.JSONRenderer(default=str)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    target = stream or sys.stderr
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    own = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    foreign = [structlog.stdlib.add_logger_name, *shared]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=foreign, processors=own))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(least, logging.WARNING))  # a library's news is noise; its warnings are not


def _blank_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: redaction.scrub_all(value) for key, value in event.items()}


def _make_printable(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: printable_lines(str(value)) if key == SEVERAL_LINES else _fit(value) for key, value in event.items()}


def _fit(value: object) -> object:
    """Return ``value`` with its texts made printable; ``redaction`` leaves texts, numbers, lists and mappings."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(key)): _fit(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_fit(item) for item in value]
    return value


def _order(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Put what an operator looks for at the same place in every line."""
    return {key: event[key] for key in (*FIRST, *event) if key in event}
