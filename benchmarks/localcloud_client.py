"""An HTTP client that costs as little as it can: the benchmark measures the cloud, and shares its two cores."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """The status, and the body as it came."""

    status: int
    body: bytes


class Connection:
    """One connection, one request at a time, kept open."""

    def __init__(self, address: str, token: str) -> None:
        self._address = urlsplit(address)
        self._head = f"Host: {self._address.netloc}\r\nAuthorization: Bearer {token}\r\n"

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, method: str, path: str, body: str = "") -> Answer:
        """Send one request and read its answer."""
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        return Answer(int(head[9:12]), await self._reader.readexactly(length))


async def spread(connections: Sequence[Connection], count: int, request: Callable[[int], tuple[str, str, str]]) -> None:
    """Send ``count`` requests, made from their numbers, over all connections at once.

    Raises RuntimeError if one of them does not succeed.
    """
    numbers = iter(range(count))

    async def drain(connection: Connection) -> None:
        for number in numbers:
            answer = await connection.ask(*request(number))
            if answer.status >= 300:
                raise RuntimeError(f"request {number} was refused: {answer}")

    async with asyncio.TaskGroup() as tasks:
        for connection in connections:
            tasks.create_task(drain(connection))
