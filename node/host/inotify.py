"""Wait for something to change in a folder, or for the folder itself to appear.

Source: inotify(7). Through the C library: the Python libraries for it are as large as this, or poll.
"""

import asyncio
import ctypes
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

_CREATE, _MOVED_TO, _ATTRIB, _DELETE = 0x100, 0x80, 0x4, 0x200
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)


class DirectoryWatch:
    """Watches ``folder`` from entry to exit, so that nothing is missed between a look and a wait."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self._changed = asyncio.Event()

    def __enter__(self) -> Self:
        self._descriptor = _libc.inotify_init1(_NONBLOCK_CLOEXEC)
        if self._descriptor >= 0:
            asyncio.get_running_loop().add_reader(self._descriptor, self._drain)
            self._add(self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)

    async def change(self, seconds: float) -> None:
        """Return when something has changed since the last call, or after ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()
        if self._descriptor >= 0:
            self._add(self._folder)

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._descriptor, 4096)
        self._changed.set()

    def _add(self, folder: Path) -> None:
        """Watch the folder, or the nearest one above it that exists. To watch it twice does nothing."""
        for each in (folder, *folder.parents):
            if (
                _libc.inotify_add_watch(self._descriptor, os.fsencode(each), _CREATE | _MOVED_TO | _ATTRIB | _DELETE)
                >= 0
            ):
                return
