"""How full a volume is. A file system that does not answer costs one thread and this call, nothing else.

Source: CSI 1.13 "NodeGetVolumeStats"; statvfs(3).
"""

import os
from functools import partial

from common import errors
from common.locks import Locks
from node.host import paths
from node.host.devices import OPEN_SECONDS
from node.host.host import Host
from node.records import Mount, Place, Published, Staged, Usage
from node.rules import mountinfo

STATFS_SECONDS = 5.0


class Stats:
    """Reads usage."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._asked = Locks()

    async def usage(self, place: Place) -> Usage:
        """Return how full the volume is. Raises NotFound if it is not at that path."""
        path, _ = await find(self._host, place)
        with self._asked.hold(path):  # a second question to a hung file system would only hang, too
            if number := await self._block_number(path):
                return await self._device(path, number, place)
            ask = partial(os.statvfs, path)
            return _filesystem(await self._host.threads.call(ask, STATFS_SECONDS, f"the file system at {path}"))

    async def _block_number(self, path: str) -> str:
        return await self._host.threads.call(partial(paths.block_number, path), STATFS_SECONDS, path)

    async def _device(self, path: str, number: str, place: Place) -> Usage:
        facts = await self._host.devices.facts(number) if number else None
        if facts is None:
            raise errors.NotFound(f"the device of volume {place.volume_id} at {path} is gone")
        return Usage(total_bytes=facts.size_bytes, block=True)


async def find(host: Host, place: Place) -> tuple[str, Mount]:
    """Return the resolved path and what is mounted there. Raises NotFound if that is not the volume."""
    path = await host.threads.call(partial(paths.resolve, place.path), OPEN_SECONDS, f"resolving {place.path}")
    mounted = mountinfo.at(await host.mounts.table(), path)
    published = await host.recall(Published, path)
    staged = [each for each in await host.recall_all(Staged) if each.path == path]
    known = {each.volume_id for each in staged} | ({published.volume_id} if published is not None else set())
    if not mounted or (known and place.volume_id not in known):
        raise errors.NotFound(f"volume {place.volume_id} is not at {path}")
    return path, mounted[-1]


def _filesystem(answer: os.statvfs_result) -> Usage:
    unit = answer.f_frsize
    return Usage(
        total_bytes=answer.f_blocks * unit,
        used_bytes=(answer.f_blocks - answer.f_bfree) * unit,
        available_bytes=answer.f_bavail * unit,
        total_inodes=answer.f_files,
        used_inodes=answer.f_files - answer.f_ffree,
        available_inodes=answer.f_favail,
    )
