"""Pages of lists. A token names the last entry that was given, so it holds whatever is made or deleted meanwhile.

Source: CSI 1.13 "ListVolumes" (a token that cannot be honoured is ABORTED: the caller starts again).
"""

import re

from common import errors

Cursor = tuple[float, str]
START: Cursor = (float("-inf"), "")

_TOKEN = re.compile(r"v1\.([0-9]{1,12}(?:\.[0-9]{1,6})?)\.(.+)")


def token(place: Cursor) -> str:
    """Return the token that goes on after ``place``: creation time, seconds since 1970, and id."""
    return f"v1.{place[0]:.6f}.{place[1]}"


def after(text: str) -> Cursor:
    """Return the place after which the list goes on; none for an empty token. Raises StaleToken."""
    if not text:
        return START
    match = _TOKEN.fullmatch(text) if text.isprintable() else None
    if match is None:
        raise errors.StaleToken("invalid starting_token: start the list again")
    return float(match.group(1)), match.group(2)


def length(max_entries: int, longest: int) -> int:
    """Return how many entries a page has; ``max_entries`` 0 leaves it to us."""
    return min(max_entries, longest) if max_entries else longest
