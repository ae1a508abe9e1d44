"""A process that serves one volume, so that it can be stopped: then the disk hangs altogether, flushes too.

Such a disk can't be grown while it is attached. Sources: qemu-nbd(8); QEMU "QMP Reference Manual", blklogwrites; kernel
Documentation/admin-guide/device-mapper/log-writes (the format).
"""

import asyncio
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from localcloud.guests.errors import GuestError
from localcloud.guests.processes import Process

START_SECONDS = 30.0
LOOK_SECONDS = 0.02


class DiskServer:
    """Serves ``file`` on the Unix socket ``<file>.nbd``; attach that with ``Drive(name, server.socket, served=True)``.

    Let it go on before the guest is ended or the volume detached: QEMU waits for it. ``record`` is a file that gets all
    that is written, in its order, as dm-log-writes has it; a flush completes its head.
    """

    def __init__(self, file: Path, record: Path | None = None) -> None:
        self.file = file
        self._record = record
        self.socket = file.with_name(f"{file.name}.nbd")
        self._process: Process | None = None

    def hang(self) -> None:
        """Answer nothing from now on."""
        if self._process is not None:
            self._process.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again, what waits first."""
        if self._process is not None:
            self._process.signal(signal.SIGCONT)

    async def __aenter__(self) -> Self:
        argv = ["qemu-nbd", "--cache=writeback", "--discard=unmap", "--persistent", f"--socket={self.socket}"]
        argv += self._source()
        log = self.file.with_name(f"{self.file.name}.nbd.log")
        self._process = Process.start(argv, self.file.parent, log, dies_with_us=True)
        try:
            async with asyncio.timeout(START_SECONDS):
                # it does not tell when it listens
                while not self.socket.exists() and self._process.running:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251 (see above)
        except TimeoutError:
            await self._process.end()
            raise GuestError(f"qemu-nbd does not serve {self.file}: {log.read_text()}") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            await self._process.end()
            self._process = None

    def _source(self) -> list[str]:
        if self._record is None:
            return ["--format=raw", str(self.file)]
        self._record.touch()
        parts = {"driver": "blklogwrites", "file.driver": "file", "file.filename": self.file}
        parts |= {"log.driver": "file", "log.filename": self._record}
        return ["--image-opts", ",".join(f"{name}={value}" for name, value in parts.items())]
