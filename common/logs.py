"""Structured logs on stderr, JSON or for reading; the libraries' own logs go the same way.

Every line passes ``redaction``, so a secret that reaches a log call by accident is blanked.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from common import redaction

FORMATS = ("json", "console")
LEVELS = ("debug", "info", "warning", "error")


def configure(log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers to ``stream`` (stderr), at ``level`` and above."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _blank_secrets,
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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:2], structlog.stdlib.add_logger_name, *shared[2:]],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(least, logging.WARNING))  # a library's news is noise; its warnings are not


def _blank_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: redaction.scrub_all(value) for key, value in event.items()}
