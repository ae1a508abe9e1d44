"""Ask the host's metadata service: one tiny HTTP GET, without an HTTP library.

Source: DigitalOcean metadata API; RFC 9112.
"""

import asyncio
from urllib.parse import urlsplit

from common import errors

REPLY_BYTES = 4096
SECONDS = 3.0


class Metadata:
    """Reads ``metadata/v1/<key>`` below ``url``, the root of the service."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 80
        self._path = parts.path.rstrip("/")

    async def get(self, key: str) -> str:
        """Return a value, one line of text. Raises Unavailable if there is none."""
        where = f"http://{self._host}:{self._port}{self._path}/metadata/v1/{key}"
        try:
            async with asyncio.timeout(SECONDS):
                status, value = await self._ask(key)
        except (TimeoutError, OSError, ValueError) as error:
            raise errors.Unavailable(f"{where} does not answer: {str(error) or 'too late'}", remedy=_REMEDY) from error
        if status != 200 or not value or not value.isprintable():
            raise errors.Unavailable(f"{where} answers {status} {value[:80]!r}", remedy=_REMEDY)
        return value

    async def _ask(self, key: str) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            head = f"GET {self._path}/metadata/v1/{key} HTTP/1.0\r\nHost: {self._host}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode("ascii"))
            reply = bytearray()
            while len(reply) < REPLY_BYTES and (part := await reader.read(REPLY_BYTES - len(reply))):
                reply += part
        finally:
            writer.close()
        first, _, body = bytes(reply).decode("latin-1").partition("\r\n\r\n")
        return int(first.split(" ")[1]) if first.startswith("HTTP/1.") else 0, body.strip()


_REMEDY = "on a host without that service, set AIOCSI_NODE_ID and AIOCSI_REGION"
