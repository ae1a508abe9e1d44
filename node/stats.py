"""How full a volume is. A file system that does not answer costs one thread and this call, nothing else.

Source: CSI 1.13 "NodeGetVolumeStats"; statvfs(3).
"""

import os
from functools import partial

from common import errors
from node.host.host import Glance, Host
from node.host.volume_locks import VolumeLocks
from node.records.findings import Usage
from node.records.requests import VolumePath
from node.records.state import Published, Staged

STATFS_SECONDS = 5.0


class Stats:
    """Reads usage."""

    def __init__(self, host: Host, turns: VolumeLocks) -> None:
        self._host = host
        self._turns = turns

    async def usage(self, place: VolumePath) -> Usage:
        """Return how full the volume is. Raises NotFound if it is not at that path."""
        glance = await find(self._host, place)
        if glance.block:
            return await self._device(glance, place)
        ask = partial(os.statvfs, glance.path)
        what = f"the file system at {glance.path}"
        call = partial(self._host.threads.call, ask, STATFS_SECONDS, what)
        return _filesystem(await self._turns.take((what,), call))  # a second thread would only hang, too

    async def _device(self, glance: Glance, place: VolumePath) -> Usage:
        facts = await self._host.facts(glance.block)
        if facts is None:
            raise errors.NotFound(f"the device of volume {place.volume_id} at {glance.path} is gone")
        return Usage(total_bytes=facts.size_bytes, block=True)


async def find(host: Host, place: VolumePath) -> Glance:
    """Look at the path. Raises NotFound if the volume is not there."""
    glance = await host.glance(place.path)
    published = host.state.read(Published, glance.path)
    known = {each.volume_id for each in host.state.all(Staged) if each.path == glance.path}
    known |= {published.volume_id} if published is not None else set()
    if not glance.mounted or (known and place.volume_id not in known):
        raise errors.NotFound(f"volume {place.volume_id} is not at {glance.path}")
    return glance


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
