"""Whom a request without a token may come from.

A page of another site can send requests to a loopback address, and by DNS rebinding even under a name of its own, with
the Origin to match. A name in Host therefore has to be one that the cloud was told of; an IP address cannot be rebound.
"""

import ipaddress
from collections.abc import Collection

from aiohttp import web
from yarl import URL

from localcloud.api_errors import Problem

LOOPBACK_NAME = "localhost"


def check(request: web.Request, allowed: Collection[str]) -> None:
    """Refuse what another site's page may have sent. Raises Problem."""
    given = request.headers.get("Host")
    if given is None:  # no browser leaves it out
        return
    try:
        url = URL(f"http://{given}")
        host, origin = url.host, str(url.origin())
    except ValueError:
        raise Problem(400, "bad_request", "the Host header is not HOST or HOST:PORT") from None
    if host is None or not (host == LOOPBACK_NAME or host in allowed or _is_address(host)):
        raise Problem(403, "forbidden", f"Host {given!r} is not allowed: --allowed-hosts names those that are")
    if request.headers.get("Origin", origin) != origin:
        raise Problem(403, "forbidden", "not from another site's page")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
