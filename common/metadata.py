"""Ask the metadata service of the machine on which this runs: one tiny HTTP GET, without an HTTP library.

Nothing but a plain answer of status 200 counts: no redirect is followed, no page is taken for a value, and each value
has to pass the converter of the setting that would name it otherwise.
Source: RFC 9112.
"""

import asyncio
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from common import errors
from common.codes import Code

REPLY_BYTES = 4096
SECONDS = 3.0

_STATUS_LINE = re.compile(r"HTTP/1\.[01] ([0-9]{3})(?: .*)?")
_LENGTH = re.compile(r"\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*(?:\r|$)", re.IGNORECASE)


class Metadata:
    """Reads values below ``url``, the root of the service. ``remedy`` is for who has no such service."""

    def __init__(self, url: str, remedy: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 80
        self._path = parts.path.rstrip("/")
        self._remedy = remedy

    async def get(self, path: str, convert: Callable[[str], str]) -> str:
        """Return a value, as ``convert`` takes it. Raises Unavailable if there is none."""
        where = f"http://{self._host}:{self._port}{self._path}/{path}"
        try:
            async with asyncio.timeout(SECONDS):
                value = _value(await self._ask(path))
            converted = convert(value)
        except (TimeoutError, OSError) as error:
            why = f"does not answer: {getattr(error, 'strerror', None) or str(error) or f'nothing in {SECONDS:g} s'}"
        except ValueError as error:
            why = f"gives no usable answer: {error}"
        else:
            if converted:
                return converted
            why = "gives an empty answer"
        raise errors.Unavailable(f"{where} {why}", remedy=self._remedy, error_code=Code.METADATA)

    async def _ask(self, path: str) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            host = f"[{self._host}]" if ":" in self._host else self._host
            head = f"GET {self._path}/{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode("ascii"))
            reply = bytearray()
            while len(reply) <= REPLY_BYTES and (part := await reader.read(REPLY_BYTES)):
                reply += part
        finally:
            writer.close()
        if len(reply) > REPLY_BYTES:
            raise ValueError(f"it is longer than {REPLY_BYTES} bytes")
        return reply.decode("latin-1")


def _value(reply: str) -> str:
    """Return the body of a reply. Raises ValueError unless it is one whole line of printable text with status 200."""
    head, _, body = reply.partition("\r\n\r\n")
    status = _STATUS_LINE.fullmatch(head.partition("\r\n")[0])
    if status is None:
        raise ValueError("it is not HTTP")
    if status.group(1) != "200":
        raise ValueError(f"its status is {status.group(1)}")
    length = _LENGTH.search(head)
    if length is not None and int(length.group(1)) != len(body):
        raise ValueError("it was cut off")
    value = body.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise ValueError("it is not one line of text")
    return value
