"""QEMU's monitor: commands and events of one guest.

Source: QEMU "QMP Reference Manual"; the package qemu.qmp speaks the protocol.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from qemu.qmp import EventListener, Message, QMPClient, QMPError

from localcloud.guests.errors import GuestError
from localcloud.guests.paths import short

ANSWER_SECONDS = 60.0


class Monitor:
    """A connection to the monitor of one guest."""

    def __init__(self) -> None:
        self._client = QMPClient("guest")

    async def connect(self, socket: Path) -> None:
        """Connect. Raises GuestError if no one answers there."""
        self._client = QMPClient(socket.parent.name)
        try:
            with short(socket) as path:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._client.connect(path)
        except (QMPError, OSError, TimeoutError) as error:
            raise GuestError(f"no monitor at {socket}: {error}") from error

    async def execute(self, command: str, **arguments: object) -> object:
        """Carry a command out; return its result. ``_`` in arguments' names stands for ``-``. Raises GuestError."""
        given = {name.replace("_", "-"): value for name, value in arguments.items()}
        return await self.send(command, given)

    async def send(self, command: str, arguments: Mapping[str, object]) -> object:
        """Carry a command out whose arguments have names of their own; return its result. Raises GuestError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._client.execute(command, dict(arguments))
        except TimeoutError:
            raise GuestError(f"{command}: no answer in {ANSWER_SECONDS:g} s") from None
        except QMPError as error:
            raise GuestError(f"{command}: {error}") from error

    @asynccontextmanager
    async def expect(self, name: str, seconds: float, **data: str) -> AsyncIterator[None]:
        """Wait, after what is done inside, for an event that it causes. Raises GuestError after ``seconds``."""

        def fits(event: Message) -> bool:
            told = event["data"]
            return isinstance(told, dict) and data.items() <= told.items()

        listener = EventListener(name, fits)
        with self._client.listen(listener):
            yield
            try:
                async with asyncio.timeout(seconds):
                    await listener.get()
            except TimeoutError:
                raise GuestError(f"no {name} {data} within {seconds:g} s") from None

    async def close(self) -> None:
        """Hang up."""
        with suppress(Exception):  # why the connection ended is of no interest any more
            await self._client.disconnect()
