"""Settings' values from text. Each converter raises ValueError that says what is right, and never shows a secret.

environ-config runs a converter on the default too, so each returns a value that is converted already as it is.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from common import redaction, sockets

UNIT_SECONDS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(ms|s|m|h|)")
DRIVER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")  # CSI 1.13 "GetPluginInfo"
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})


class HostPort(NamedTuple):
    """Where to listen. An empty host is every address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Secret:
    """A text that neither repr nor a log shows; ``reveal`` it where it is sent."""

    def __init__(self, value: str) -> None:
        """Blank ``value`` in all logs and errors from now on."""
        redaction.register(value)
        self._value = value

    def reveal(self) -> str:
        """Return the text."""
        return self._value

    def __repr__(self) -> str:
        return redaction.BLANK


def text(value: str) -> str:
    """Return ``value`` without blanks around it; it must be one line."""
    stripped = value.strip()
    if not stripped.isprintable() or not stripped:
        raise ValueError("must be one line of printable text")
    return stripped


def endpoint(value: str) -> str:
    """Return ``value``, which must name a Unix socket as ``sockets.parse`` reads it."""
    stripped = text(value)
    try:
        sockets.parse(stripped)
    except sockets.EndpointError as error:
        raise ValueError(f"must be a Unix socket, as in unix:///csi/csi.sock: {error.message}") from error
    return stripped


def secret(value: str | Secret | None) -> Secret | None:
    """Return ``value`` wrapped so that nothing shows it."""
    if value is None or isinstance(value, Secret):
        return value
    if not value.strip().isprintable() or not value.strip():
        raise ValueError("must be one line of printable text")
    return Secret(value.strip())


def boolean(value: str | bool) -> bool:
    """Return what ``value`` says: true, yes, on, 1, or false, no, off, 0."""
    if isinstance(value, bool):
        return value
    if (word := value.strip().lower()) not in YES | NO:
        raise ValueError(f"must be true or false, not {value!r}")
    return word in YES


def choice(*allowed: str) -> Callable[[str], str]:
    """Make a converter that takes one of ``allowed``, in any case."""

    def convert(value: str) -> str:
        if (word := value.strip().lower()) not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {value!r}")
        return word

    return convert


def seconds(least: float, most: float) -> Callable[[str | float], float]:
    """Make a converter for a duration: a number of seconds, or a number with ms, s, m or h. Returns seconds."""

    def convert(value: str | float) -> float:
        match = DURATION.fullmatch(str(value).strip())
        if match is None:
            raise ValueError(f"must be a duration such as 30, 30s, 500ms or 2m, not {value!r}")
        number, unit = match.groups()
        result = float(number) * UNIT_SECONDS[unit]
        if not least <= result <= most or not math.isfinite(result):
            raise ValueError(f"must be from {least:g} to {most:g} seconds, not {value!r}")
        return result

    return convert


def integer(least: int, most: int) -> Callable[[str | int], int]:
    """Make a converter for a whole number from ``least`` to ``most``."""

    def convert(value: str | int) -> int:
        digits = str(value).strip()
        if not re.fullmatch(r"-?[0-9]{1,18}", digits) or not least <= int(digits) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not {value!r}")
        return int(digits)

    return convert


def absolute_path(value: str | Path | None) -> Path | None:
    """Return the path, which must be absolute."""
    if value is None or isinstance(value, Path):
        return value
    if not value.startswith("/") or "\0" in value:
        raise ValueError(f"must be an absolute path, not {value!r}")
    return Path(value)


def host_port(value: str | HostPort | None) -> HostPort | None:
    """Return host and port of ``host:port``, ``[v6]:port`` or ``:port``."""
    if value is None or isinstance(value, HostPort):
        return value
    host, colon, port = value.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"must be host:port, as in 127.0.0.1:9808 or :9808, not {value!r}")
    return HostPort(host, int(port))


def driver_name(value: str) -> str:
    """Return the name: at most 63 letters, digits, dots and hyphens, a letter or digit at both ends."""
    if not DRIVER_NAME.fullmatch(value):
        raise ValueError(f"must be at most 63 letters, digits, '.' and '-', not {value!r}")
    return value
