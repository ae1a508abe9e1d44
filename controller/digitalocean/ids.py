"""Ids of DigitalOcean, as its API takes them. What an id looks like proves nothing: the API is asked.

But it cannot be asked for "." and "..", which mean another path: percent-encoding does not help, as any proxy may
decode it first, and then a DELETE would reach something else. No object of the API can have such an id, since no client
could reach it: that is certain without a question.

Sources: DigitalOcean API (ids of volumes and snapshots are texts in a path, those of droplets and actions numbers);
RFC 3986 3.3, 6.2.2.2 ("%2E" is equivalent to ".") and 6.2.2.3 (dot-segments are removed).
"""

from urllib.parse import quote

from common import errors
from common.clouds.digitalocean import FACTS
from controller.cloud import cloud_errors
from controller.codes import Code

DOT_SEGMENTS = (".", "..")
LONGEST = 2000  # characters; UUIDs have 36, and a web server refuses a longer path in its own words


def path(*segments: str) -> str:
    """Return the path of words and ids, each one segment. Raises Gone for an id that no path can hold."""
    return "/v2/" + "/".join(map(_segment, segments))


def _segment(text: str) -> str:
    if text in DOT_SEGMENTS:
        raise cloud_errors.Gone(f"nothing in the cloud has the id {text!r}, which in a path means another one")
    if len(text) > LONGEST:
        raise cloud_errors.Gone(f"nothing in the cloud has an id of {len(text)} characters")
    if not text:
        raise errors.InvalidArgument("the id is empty")
    return quote(text, safe="")


def droplet_number(server_id: str | None) -> int:
    """Return the number of a droplet, as a body carries it. Raises Gone if the API can have no such droplet."""
    if server_id is None or not FACTS.is_server_id(server_id) or int(server_id) >= 1 << 63:
        raise cloud_errors.Gone(
            f"{server_id!r} is not the id of a droplet, which is a number", error_code=Code.NODE_GONE
        )
    return int(server_id)
