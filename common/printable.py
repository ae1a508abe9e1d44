"""Text from outside, made fit to be shown: in a gRPC message, an event, a log line, a terminal.

Mount points, disk labels, HTTP bodies and what programs print may hold any byte. A lone surrogate (a byte that was no
UTF-8) cannot be encoded, and control characters move a terminal's cursor or end a line.
"""

import re

# C0, DEL and C1; separators of lines; marks that turn the direction of what follows; lone surrogates
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CUT = "…"
CONDITION_BYTES = 1000  # of a health condition's message: with more, the API server refuses the status as a whole
_BYTES = range(0xDC80, 0xDD00)  # what os.fsdecode makes of bytes that are no UTF-8


def printable(text: str) -> str:
    r"""Return ``text`` with what cannot be shown as ``\xNN`` or ``\uNNNN``; to do it twice changes nothing."""
    return _UNFIT.sub(_escape, text)


def bounded(text: str, most_bytes: int) -> str:
    """Return ``text`` made printable, and no longer than ``most_bytes`` of UTF-8, as which it is sent and counted."""
    data = printable(text).encode()
    if len(data) <= most_bytes:
        return data.decode()
    return f"{data[: most_bytes - len(_CUT.encode())].decode(errors='ignore')}{_CUT}"


def printable_lines(text: str) -> str:
    """Return ``text`` as ``printable`` does, but with its lines and tabs as they are: a traceback."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in _BYTES:
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
