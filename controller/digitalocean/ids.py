"""Ids of DigitalOcean, as its API takes them. What an id looks like proves nothing: the API is asked.

Sources: DigitalOcean API (ids of volumes and snapshots are texts in a path, those of droplets and actions numbers);
RFC 3986 3.3 (a path's segments "." and ".." mean another path).
"""

import re
from urllib.parse import quote

from common import errors
from controller.cloud import base

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


def path(*segments: str) -> str:
    """Return the path of words and ids, each one segment. Raises InvalidArgument for an id that no path can hold."""
    return "/v2/" + "/".join(map(_segment, segments))


def _segment(text: str) -> str:
    if text in {"", ".", ".."}:
        raise errors.InvalidArgument(f"{text!r} is not an id: the cloud's API cannot be asked for it")
    return quote(text, safe="")


def droplet_number(server_id: str | None) -> int:
    """Return the number of a droplet, as a body carries it. Raises Gone if the API can have no such droplet."""
    if server_id is None or not _NUMBER.fullmatch(server_id) or int(server_id) >= 1 << 63:
        raise base.Gone(f"{server_id!r} is not the id of a droplet, which is a number")
    return int(server_id)
