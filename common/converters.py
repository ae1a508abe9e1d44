"""Settings' values from text. Each converter raises ValueError that says what is right, and never shows a secret.

environ-config runs a converter on the default too, so each returns a value that is converted already as it is.
"""

import ipaddress
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from common import redaction, sockets

UNIT_SECONDS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(ms|s|m|h|)")
DRIVER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")  # CSI 1.13 "GetPluginInfo"
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})
LONGEST_SHOWN = 40  # characters

_SECRETIVE = re.compile(r"://|[@<>]|[a-z]+_v[0-9]+_")
_ZONE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[A-Za-z0-9_][A-Za-z0-9_-]{0,62}\.)*[A-Za-z0-9_][A-Za-z0-9_-]{0,62}\.?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")


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


def shown(value: object) -> str:
    """Return ``value`` fit for an error: what may hold a password or a token is not shown."""
    whole = str(value)
    return redaction.BLANK if len(whole) > LONGEST_SHOWN or _SECRETIVE.search(whole) else repr(value)


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
        raise ValueError(f"must be true or false, not {shown(value)}")
    return word in YES


def choice(*allowed: str) -> Callable[[str], str]:
    """Make a converter that takes one of ``allowed``, in any case."""

    def convert(value: str) -> str:
        if (word := value.strip().lower()) not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {shown(value)}")
        return word

    return convert


def seconds(least: float, most: float) -> Callable[[str | float], float]:
    """Make a converter for a duration: a number of seconds, or a number with ms, s, m or h. Returns seconds."""

    def convert(value: str | float) -> float:
        match = DURATION.fullmatch(str(value).strip())
        if match is None:
            raise ValueError(f"must be a duration such as 30, 30s, 500ms or 2m, not {shown(value)}")
        number, unit = match.groups()
        result = float(number) * UNIT_SECONDS[unit]
        if not least <= result <= most or not math.isfinite(result):
            raise ValueError(f"must be from {least:g} to {most:g} seconds, not {shown(value)}")
        return result

    return convert


def integer(least: int, most: int) -> Callable[[str | int], int]:
    """Make a converter for a whole number from ``least`` to ``most``."""

    def convert(value: str | int) -> int:
        digits = str(value).strip()
        if not re.fullmatch(r"-?[0-9]{1,18}", digits) or not least <= int(digits) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not {shown(value)}")
        return int(digits)

    return convert


def absolute_path(value: str | Path | None) -> Path | None:
    """Return the path, which must be absolute."""
    if value is None or isinstance(value, Path):
        return value
    if not value.startswith("/") or not value.isprintable() or not value.strip("/."):
        raise ValueError(f"must be an absolute path that can be printed, not {shown(value)}")
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
        raise ValueError(f"must be host:port, as in 127.0.0.1:9808 or :9808, not {shown(value)}")
    return HostPort(host, int(port))


def driver_name(value: str) -> str:
    """Return the name: at most 63 letters, digits, dots and hyphens, a letter or digit at both ends."""
    if not DRIVER_NAME.fullmatch(value):
        raise ValueError(f"must be at most 63 letters, digits, '.' and '-', not {shown(value)}")
    return value


def dns_label(value: str) -> str:
    """Return a name as Kubernetes takes it for a namespace (RFC 1123 label)."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise ValueError(f"must be lower-case letters, digits and hyphens, not {shown(value)}")
    return value


def zone(value: str) -> str:
    """Return the slug of a zone (DigitalOcean: region), or an empty text."""
    if value and not _ZONE.fullmatch(value):
        raise ValueError(f"must be the slug of a region, as in nyc1, not {shown(value)}")
    return value


def uid(value: str) -> str:
    """Return the UID of a pod: a UUID, or as many hexadecimal digits."""
    if not re.fullmatch(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", value):
        raise ValueError(f"must be the UID of a pod, not {shown(value)}")
    return value


def optional(convert: Callable[[str], str]) -> Callable[[str], str]:
    """Make a converter that leaves an empty text as it is."""
    return lambda value: convert(value) if value else value


def api_root(value: str) -> str:
    """Return the root of an API that gets the token: https, or http on this host or a private address.

    It ends in a slash. The driver itself adds /v2.
    """
    parts, host = _address(value)
    if "v2" in parts.path.lower().split("/"):
        raise ValueError("must be the root of the API, without /v2: the driver adds that")
    if parts.scheme != "https" and not _is_near(host):
        raise ValueError("must begin with https://: over http:// the API token would be readable on the way")
    return _rooted(parts)


def metadata_root(value: str) -> str:
    """Return the root of a metadata service, which speaks http alone. It ends in a slash."""
    parts, _ = _address(value)
    if parts.scheme != "http":
        raise ValueError("must begin with http://, as in http://169.254.169.254/")
    return _rooted(parts)


def _address(value: str) -> tuple[SplitResult, str]:
    """Return the parts of a web address, and its host. No error shows the value: it may hold a password."""
    try:
        parts = urlsplit(text(value))
        host = host_of(parts)
    except ValueError:
        raise ValueError("must be a web address, as in https://api.example.com/") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("must begin with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("must not hold a query or fragment")
    if not _PATH.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise ValueError("must have a plain path: no '.', no '..', no empty or encoded part")
    return parts, host


def host_of(parts: SplitResult) -> str:
    """Return the host, an address or a name that a DNS could know; else an empty text, or ValueError as for a port."""
    host = parts.hostname or ""
    if parts.port == 0:
        raise ValueError("must have a port from 1 to 65535")
    if _IPV6.fullmatch(host):
        return str(ipaddress.ip_address(host))
    return host if _NAME.fullmatch(host) else ""


def _rooted(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def _is_near(host: str) -> bool:
    """Whether the host is this one, or has an address that is not routed on the internet."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_link_local


def tag_list(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags of a comma-separated list."""
    if isinstance(value, tuple):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())
