"""The host's end of the agent in a guest; ``inside`` is the other one, and tells the protocol."""

import asyncio
import base64
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, Field

from localcloud.guests.errors import GuestError, OrderFailed, ProgramFailed
from localcloud.guests.paths import listening, short
from localcloud.tasks import Tasks

GRACE_SECONDS = 60.0  # that an answer may be late; an emulated machine on a busy host is slow
LONGEST_LINE = 256 << 20
PIECE_BYTES = 32768
ENTROPY_BYTES = 64


class Answer(BaseModel, frozen=True):
    """One line from the guest."""

    id: int | None = None
    stream: int | None = None
    error: str | None = None
    status: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    data: bytes = b""
    pid: int = 0
    end: bool = False


class Done(BaseModel, frozen=True):
    """A program that has ended."""

    status: int
    stdout: str = Field(default="")
    stderr: str = Field(default="")


class _Connection:
    """A client on the host that talks to a server in the guest."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.opened = asyncio.Event()  # or refused


class Agent:
    """Gives orders to one guest."""

    def __init__(self) -> None:
        self._tasks = Tasks()
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._streams: dict[int, _Connection] = {}
        self._servers: list[asyncio.Server] = []
        self._last = 0

    async def connect(self, socket: Path, seconds: float) -> None:
        """Connect, and wait until the guest is up. Raises GuestError after ``seconds``."""
        with short(socket) as path:
            reader, self._writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
        self._tasks.start(self._read(reader), f"agent of {socket.parent.name}")
        self._writer.write(b"\n")  # ends a line that an earlier connection may have begun
        await self.settle(seconds)

    async def run(
        self, *argv: str, stdin: bytes = b"", seconds: float = 60, environment: Mapping[str, str] | None = None
    ) -> Done:
        """Run a program to its end; return how it ended. Raises OrderFailed if it has not after ``seconds``."""
        order = {"argv": argv, "stdin": _text(stdin), "seconds": seconds, "env": dict(environment or {})}
        answer = await self._order("run", order, seconds)
        return Done(status=answer.status, stdout=_words(answer.stdout), stderr=_words(answer.stderr))

    async def output(self, *argv: str, stdin: bytes = b"", seconds: float = 60) -> str:
        """Run a program that must succeed; return what it printed. Raises ProgramFailed, OrderFailed."""
        if (done := await self.run(*argv, stdin=stdin, seconds=seconds)).status != 0:
            raise ProgramFailed(f"{' '.join(argv)}: status {done.status}: {(done.stderr + done.stdout).strip()}")
        return done.stdout

    async def shell(self, script: str, seconds: float = 60) -> str:
        """Run a script by bash, which must succeed; return what it printed. Raises ProgramFailed, OrderFailed."""
        return await self.output("bash", "-euo", "pipefail", "-c", script, seconds=seconds)

    async def spawn(self, *argv: str, log: str, environment: Mapping[str, str] | None = None) -> int:
        """Start a program that goes on by itself; return its process id. Its output goes to the end of ``log``."""
        answer = await self._order("spawn", {"argv": argv, "log": log, "env": dict(environment or {})}, 0)
        return answer.pid

    async def read(self, path: str, seconds: float = 60) -> bytes:
        """Return the contents of a file. Raises OrderFailed."""
        return base64.b64decode((await self._order("read", {"path": path}, seconds)).stdout)

    async def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Make a file, with the folders above it. Raises OrderFailed."""
        await self._order("write", {"path": path, "data": _text(data), "mode": mode}, 0)

    async def settle(self, seconds: float = 0) -> None:
        """Set the guest's clock, and stir its random numbers. Raises GuestError."""
        await self._order("settle", {"now": time.time(), "entropy": _text(os.urandom(ENTROPY_BYTES))}, seconds)

    async def forward(self, inside: str | int, socket: Path) -> None:
        """Let each connection to the Unix socket reach a server in the guest: a Unix socket, or a port of 127.0.0.1."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._last += 1
            stream = self._last
            self._streams[stream] = connection = _Connection(writer)
            self._send({"stream": stream, "connect": inside})
            await connection.opened.wait()  # or it is refused: then the end of the reader comes at once
            while part := await reader.read(PIECE_BYTES):
                self._send({"stream": stream, "data": _text(part)})
            self._send({"stream": stream, "end": True})

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._tasks.start(serve(reader, writer), f"connection to {inside}")

        self._servers.append(await asyncio.start_server(accept, sock=listening(socket)))

    async def close(self) -> None:
        """Hang up."""
        for server in self._servers:
            server.close()
        await self._tasks.close()
        for connection in self._streams.values():
            connection.writer.transport.abort()
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
        self._streams.clear()
        self._servers.clear()

    async def _order(self, kind: str, order: Mapping[str, object], seconds: float) -> Answer:
        self._last += 1
        number = self._last
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            self._send({"id": number, kind: order})
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                answered = await answer
        except TimeoutError:
            raise GuestError(f"the agent does not answer: {kind} {str(order)[:200]}") from None
        finally:
            del self._answers[number]
        if answered.error is not None:
            raise OrderFailed(f"{kind} {str(order)[:200]}: {answered.error}")
        return answered

    def _send(self, message: Mapping[str, object]) -> None:
        if self._writer is None:
            raise GuestError("the agent is not connected")
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            async for line in reader:
                answer = Answer.model_validate_json(line)
                if answer.stream is not None:
                    self._carry(answer.stream, answer)
                elif (waiting := self._answers.get(answer.id or 0)) is not None and not waiting.done():
                    waiting.set_result(answer)
        self._writer = None
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(GuestError("the guest has ended"))

    def _carry(self, stream: int, answer: Answer) -> None:
        connection = self._streams.get(stream)
        if connection is None:
            return
        if answer.end:
            del self._streams[stream]
            connection.writer.close()
        else:
            connection.writer.write(base64.b64decode(answer.data))
        connection.opened.set()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _words(data: bytes) -> str:
    return base64.b64decode(data).decode(errors="replace")
