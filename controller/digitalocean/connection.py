"""The way to the API: the HTTP session with its TLS and limits, and the proxy that the environment names."""

import errno
import re
import ssl
import stat
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from common import __version__, errors
from common.converters import host_of
from controller.codes import Code

CONNECTIONS = 32
CONNECT_SECONDS = 10.0

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class _QuietConnections(aiohttp.TCPConnector):
    """Hands out no kept connection on which something has come since: a request would take it for its answer."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp calls it so)
    ) -> Connection:
        """Return a connection, new or kept. Raises aiohttp.ClientConnectionError."""
        for _ in range(CONNECTIONS + 1):
            found = await super().connect(req, traces, timeout)
            if found.protocol is None or not found.protocol.should_close:
                return found
            found.close()
        raise aiohttp.ClientConnectionError("each connection has an answer before it has a request")


def session(ca_file: Path | None = None) -> aiohttp.ClientSession:
    """Make the session: keep-alive, our user agent, an own CA beside the system's, nothing compressed, no cookies.

    Raises FailedPrecondition if the CA file cannot be used.
    """
    connector = _QuietConnections(limit=CONNECTIONS, ssl=tls(ca_file), keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
    headers = {
        "User-Agent": f"aiocsi/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # a compressed body says nothing of its length
    }
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers=headers,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),  # the API needs none, and others would fill the memory with theirs
    )


def proxy_for(root: str) -> str | None:
    """Return the proxy that the environment names for the API. Raises FailedPrecondition if it names none that works.

    aiohttp would read it too, but then looks into ~/.netrc on every request, and fails on an entry for the host there.
    """
    url = urlsplit(root)
    if url.hostname is None or proxy_bypass(url.hostname):
        return None
    found = getproxies().get(url.scheme)
    if not found:
        return None
    proxy = found if _SCHEME.match(found) else f"http://{found}"  # as Go and curl take it
    if text := _problem(proxy):
        raise errors.FailedPrecondition(
            f"{url.scheme.upper()}_PROXY names a proxy {text}",
            remedy="set it as in http://proxy.example.com:3128; in a password write %2F for / and %40 for @",
            error_code=Code.SETTINGS,
        )
    return proxy


def _problem(proxy: str) -> str:
    """Say why the proxy cannot be used, without its password; empty if it can."""
    try:
        parts = urlsplit(proxy)
        host = host_of(parts)
    except ValueError:
        return "whose host or port is none"
    if parts.scheme != "http":
        return f"of scheme {parts.scheme!r}"
    return "" if host else "without a host"


def place_of(url: str) -> str:
    """Return host and port of a web address, without a password that it may hold."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def no_connection(error: aiohttp.ClientConnectorError) -> str:
    """Say why there is no connection: host, port, the system's error, and the remedy."""
    where = f"{error.host}:{error.port}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{where} has a certificate that is not trusted ({error.certificate_error}): set AIOCSI_CA_FILE"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return (
            f"the name {error.host} cannot be resolved ({error.os_error}): check AIOCSI_API_URL, the proxy and the DNS"
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return f"{where} does not speak TLS as expected ({error.os_error}): check the scheme in AIOCSI_API_URL"
    number = error.os_error.errno
    name = errno.errorcode.get(number, "") if number is not None else ""
    return f"{where} cannot be reached ({name or type(error).__name__}: {error.os_error.strerror or error.os_error})"


def tls(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return what TLS trusts: the system's authorities, and those of the file. Raises FailedPrecondition."""
    if ca_file is None:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=_regular(ca_file))
    except OSError as error:
        raise errors.FailedPrecondition(
            f"AIOCSI_CA_FILE: the file {ca_file} cannot be used: {error.strerror or error}",
            remedy="mount a PEM file with the certificate of the authority there",
            error_code=Code.SETTINGS,
        ) from None
    return context


def _regular(file: Path) -> Path:
    """Return the path, if it leads to a regular file: a pipe would be waited for. Raises OSError."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return file
